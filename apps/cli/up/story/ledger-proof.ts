// Was a due time lost around a failure? The ledger has a row for each, so the answer is a count: the expected rows
// between two instants, the rows found, and their outcomes. Pure.
import type { Fire } from '../cluster/api.shapes.js';
import { count, duration, secondOf } from '../terminal/phrases.js';

export interface Window {
  /** Inclusive, both. */
  readonly from: Date;
  readonly to: Date;
  readonly everyMs: number;
}

export interface Proof {
  readonly window: Window;
  readonly expected: number;
  readonly missing: readonly Date[];
  /** How often each outcome occurs. */
  readonly outcomes: ReadonlyMap<string, number>;
  readonly latenessMsMax: number;
}

/** The window around a moment, widened to the schedule's own due times, which lie on multiples of its interval. */
export function windowAround(at: Date, { everyMs, marginMs }: { everyMs: number; marginMs: number }): Window {
  const middleMs = Math.floor(at.getTime() / everyMs) * everyMs;
  return { from: new Date(middleMs - marginMs), to: new Date(middleMs + marginMs), everyMs };
}

export function proofOf(fires: readonly Fire[], window: Window): Proof {
  const { from, to, everyMs } = window;
  const inside = fires.filter(({ dueAt }) => dueAt >= from && dueAt <= to);
  const present = new Set(inside.map(({ dueAt }) => dueAt.getTime()));
  const expected = Array.from(
    { length: (to.getTime() - from.getTime()) / everyMs + 1 },
    (_, index) => from.getTime() + index * everyMs,
  );
  return {
    window,
    expected: expected.length,
    missing: expected.filter((dueMs) => !present.has(dueMs)).map((dueMs) => new Date(dueMs)),
    outcomes: new Map(
      [...Map.groupBy(inside, ({ outcome }) => outcome)].map(([outcome, rows]) => [outcome, rows.length]),
    ),
    latenessMsMax: Math.max(0, ...inside.map(({ latenessMs }) => latenessMs ?? 0)),
  };
}

/** False while the owner of a run may still decide one of them. */
export function isDecided({ missing, outcomes }: Proof): boolean {
  return missing.length === 0 && !outcomes.has('planned');
}

export function proofLine({ window, expected, missing, outcomes, latenessMsMax }: Proof): string {
  const found = [...outcomes].map(([outcome, number]) => `${number} ${outcome}`).join(', ');
  const lost = missing.length === 0 ? 'none missing' : `MISSING: ${missing.map(secondOf).join(', ')}`;
  return (
    `${count(expected, 'due time')} from ${secondOf(window.from)} to ${secondOf(window.to)}: ` +
    `${found === '' ? 'no row' : found}, ${lost}; the slowest start was ${duration(latenessMsMax)} late`
  );
}
