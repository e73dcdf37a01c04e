// Is a line of a run's log bounded, and does one that was cut say so, be its message or its fields too long?
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JobLog } from '#client/jobs/job-definition.js';
import { claimedRun } from '#test/support/builders.js';
import { asId } from '#kernel/ids.js';
import { LINE_BYTES_MAX } from './decisions/log-bounds.js';
import { lineOf } from './run-log-line.js';
import { RunLog } from './run-log.js';

const cutOf = (bytes: number): object => ({ cut: `expected at most 8192 bytes in a line, got ${bytes}` });
const fieldsOf = ({ fieldsJson }: { fieldsJson: string | null }): unknown => JSON.parse(fieldsJson ?? 'null');

describe('a line', () => {
  it('of the greatest length is whole', () => {
    const message = 'x'.repeat(LINE_BYTES_MAX);
    expect(lineOf(message)).toEqual({ message, fieldsJson: null, bytes: LINE_BYTES_MAX });
  });

  it.each<[string, unknown[], object]>([
    ['its message', ['x'.repeat(8_193)], cutOf(8_193)],
    ['its fields', [{ wide: 'x'.repeat(9_000) }, 'wide'], cutOf(9_015)],
    [
      'its message, beside fields that are kept',
      [{ to: 'Zoë' }, 'x'.repeat(9_000)],
      { to: 'Zoë', ...cutOf(9_013) },
    ],
    ['its message, beside a list', [[1, 2], 'x'.repeat(9_000)], { value: [1, 2], ...cutOf(9_005) }],
    ['both together', [{ wide: 'x'.repeat(5_000) }, 'y'.repeat(5_000)], cutOf(10_011)],
  ])(
    'that is too long by %s is cut, bears a mark, and counts with what is kept',
    (_by, [first, second], fields) => {
      const line = lineOf(first, second);
      expect(fieldsOf(line)).toEqual(fields);
      expect(line.bytes).toBe(LINE_BYTES_MAX);
      expect(Buffer.byteLength(line.message) + Buffer.byteLength(line.fieldsJson ?? '')).toBeLessThanOrEqual(
        LINE_BYTES_MAX,
      );
    },
  );

  it('never has more bytes than it counts, nor more than a line may have, and is cut at a whole character', () => {
    // What stands for half a character must come from a cut alone.
    const text = fc.string({ unit: 'grapheme', maxLength: 6_000 }).filter((any) => !any.includes('\uFFFD'));
    fc.assert(
      fc.property(text, fc.option(fc.record({ text })), (message, fields) => {
        const line = fields === null ? lineOf(message) : lineOf(fields, message);
        const bytes = Buffer.byteLength(line.message) + Buffer.byteLength(line.fieldsJson ?? '');
        expect(bytes).toBeLessThanOrEqual(line.bytes);
        expect(line.bytes).toBeLessThanOrEqual(LINE_BYTES_MAX);
        expect(line.message).not.toContain('\uFFFD');
      }),
      { numRuns: 200 },
    );
  });
});

it('lines that were cut count towards what a run may log, so that the last one says that its log is full', () => {
  const waiting = new RunLog();
  const { log } = waiting.begin(claimedRun(), { replica: asId.replica(1), now: () => new Date(0) });
  const write: JobLog['info'] = log.info;
  for (let n = 0; n < 200; n += 1) write('x'.repeat(100_000));
  // A run may log 1 MiB: 128 lines of 8 KiB, and one more whose place takes the line that says so.
  expect(waiting.take(1_000)).toHaveLength(129);
});
