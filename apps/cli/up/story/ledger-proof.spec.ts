// Does the proof notice each way in which a due time can go wrong?
import { describe, expect, it } from 'vitest';
import { isDecided, proofLine, proofOf, windowAround } from './ledger-proof.js';

const window = { from: new Date(2026, 10, 21, 8, 0, 0), to: new Date(2026, 10, 21, 8, 0, 4), everyMs: 1_000 };
const fired = (second: number, latenessMs = 3) => ({
  dueAt: new Date(2026, 10, 21, 8, 0, second),
  outcome: 'fired',
  latenessMs,
});
const all = [fired(0), fired(1), fired(2), fired(3), fired(4)];

describe('the proof by the ledger', () => {
  it('is complete when every due time has its row', () => {
    const proof = proofOf(all, window);
    expect(proof).toMatchObject({ expected: 5, missing: [], latenessMsMax: 3 });
    expect(isDecided(proof)).toBe(true);
    expect(proofLine(proof)).toBe(
      '5 due times from 08:00:00 to 08:00:04: 5 fired, none missing; the slowest start was 3 ms late',
    );
  });

  it('names what is missing', () => {
    const proof = proofOf([fired(0), fired(1), fired(4)], window);
    expect(proofLine(proof)).toContain('3 fired, MISSING: 08:00:02, 08:00:03;');
    expect(isDecided(proof)).toBe(false);
  });

  it('tells fires that came late or not at all from the others', () => {
    const late = { ...fired(2), outcome: 'late', latenessMs: 1_250 };
    const missed = { ...fired(3), outcome: 'missed', latenessMs: null };
    const proof = proofOf([fired(0), fired(1), late, missed, fired(4)], window);
    expect(proofLine(proof)).toContain(
      '3 fired, 1 late, 1 missed, none missing; the slowest start was 1.2 s late',
    );
  });

  it('is open while something is only planned', () => {
    const planned = { ...fired(4), outcome: 'planned', latenessMs: null };
    expect(isDecided(proofOf([...all.slice(0, 4), planned], window))).toBe(false);
  });

  it('does not count what lies outside', () => {
    expect(proofOf([fired(5), ...all], window).outcomes).toEqual(new Map([['fired', 5]]));
    expect(proofLine(proofOf([], window))).toContain('to 08:00:04: no row, MISSING: 08:00:00,');
  });

  it('looks as far back as ahead, on the due times of the schedule', () => {
    const at = new Date('2026-11-21T08:00:02.345Z');
    expect(windowAround(at, { everyMs: 1_000, marginMs: 5_000 })).toEqual({
      from: new Date('2026-11-21T07:59:57Z'),
      to: new Date('2026-11-21T08:00:07Z'),
      everyMs: 1_000,
    });
  });
});
