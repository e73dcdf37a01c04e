// Is every log bounded, and told to be so exactly once?
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { admitLine, EMPTY_LOG, LINE_BYTES_MAX, type Admission } from './log-bounds.js';

it('a log keeps its first lines, then one that says that it is full, then none', () => {
  const sizes = fc.array(fc.integer({ min: 0, max: LINE_BYTES_MAX }), { maxLength: 1_500 });
  fc.assert(
    fc.property(sizes, (lines) => {
      let tally = EMPTY_LOG;
      const admissions: Admission[] = [];
      for (const bytes of lines) {
        const admitted = admitLine(tally, bytes);
        admissions.push(admitted.admission);
        ({ tally } = admitted);
      }
      const kept = admissions.filter((admission) => admission === 'kept').length;
      expect(kept).toBeLessThanOrEqual(1_000);
      expect(lines.slice(0, kept).reduce((sum, bytes) => sum + bytes, 0)).toBeLessThanOrEqual(1024 * 1024);
      expect(admissions).toEqual(
        lines.map((_, index) => (index < kept ? 'kept' : index === kept ? 'last' : 'dropped')),
      );
      expect(tally.isFull).toBe(kept < lines.length);
    }),
  );
});
