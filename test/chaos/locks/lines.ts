// Who held and who waited for each lock, at each moment? The database's notes, told again in their order.
import { isInTheWay } from './exclusion-check.js';
import type { HoldNote, WaitNote } from './lock-notes.js';
import { LOCK_NAMES, PERMITS } from './lock-plan.js';

export type Event =
  | { readonly atMs: number; readonly hold: HoldNote }
  | { readonly atMs: number; readonly wait: WaitNote }
  /** A lease or a place may end then. */
  | { readonly atMs: number };

/** In the order of their instants; notes of one kind keep theirs. */
export function eventsOf(holdNotes: readonly HoldNote[], waitNotes: readonly WaitNote[]): Event[] {
  return [
    ...holdNotes.map((hold) => ({ atMs: hold.atMs, hold })),
    ...waitNotes.map((wait) => ({ atMs: wait.atMs, wait })),
    ...holdNotes.map(({ expiresAtMs }) => ({ atMs: expiresAtMs })),
    ...waitNotes.map(({ untilMs }) => ({ atMs: untilMs })),
  ].toSorted((a, b) => a.atMs - b.atMs);
}

export interface LockSpan {
  readonly lock: string;
  readonly fromMs: number;
  readonly toMs: number;
}

/** When it was so, up to the end, without a gap, of each lock. */
export function spansWhere(
  isSo: (lines: Lines, lock: string, atMs: number) => boolean,
  { events, endMs }: { events: readonly Event[]; endMs: number },
): LockSpan[] {
  const lines = new Lines();
  const since = new Map<string, number>();
  const spans: LockSpan[] = [];
  const close = (lock: string, toMs: number): void => {
    const fromMs = since.get(lock);
    since.delete(lock);
    if (fromMs !== undefined) spans.push({ lock, fromMs, toMs });
  };
  for (const event of events) {
    if (event.atMs > endMs) break;
    lines.apply(event);
    for (const lock of LOCK_NAMES)
      if (!isSo(lines, lock, event.atMs)) close(lock, event.atMs);
      else if (!since.has(lock)) since.set(lock, event.atMs);
  }
  for (const lock of LOCK_NAMES) close(lock, endMs);
  return spans;
}

export class Lines {
  readonly #holds = new Map<string, Map<number, HoldNote>>();
  readonly #places = new Map<string, Map<number, WaitNote>>();

  apply(event: Event): void {
    if ('hold' in event) put(this.#holds, event.hold, event.hold.token);
    if ('wait' in event) put(this.#places, event.wait, event.wait.ticket);
  }

  /** In the order in which they are to be served. */
  line(lock: string, atMs: number): WaitNote[] {
    return [...(this.#places.get(lock)?.values() ?? [])]
      .filter(({ untilMs }) => untilMs > atMs)
      .toSorted((a, b) => a.ticket - b.ticket);
  }

  /** Nothing is in the way of the first in line, whose request a replica is answering. */
  isIdle(lock: string, atMs: number): boolean {
    const [first] = this.line(lock, atMs);
    return first !== undefined && first.replica !== null && this.#isServable(first, atMs);
  }

  /** Nothing holds it, and no one stands in its line. */
  isFree(lock: string, atMs: number): boolean {
    const holds = [...(this.#holds.get(lock)?.values() ?? [])];
    return this.line(lock, atMs).length === 0 && !holds.some(({ expiresAtMs }) => expiresAtMs > atMs);
  }

  /** The first in all of the lines in which it stands, and each lock has room for it. */
  #isServable({ ticket }: WaitNote, atMs: number): boolean {
    return [...this.#places].every(([lock, places]) => {
      const place = places.get(ticket);
      if (place === undefined) return true;
      return this.line(lock, atMs)[0] === place && this.#hasRoom(place, atMs);
    });
  }

  #hasRoom(place: WaitNote, atMs: number): boolean {
    const holds = [...(this.#holds.get(place.lock)?.values() ?? [])].filter(
      ({ expiresAtMs, holder }) => expiresAtMs > atMs && holder !== place.holder,
    );
    const taken = holds.reduce((sum, { mode, permits }) => sum + (mode === 'permits' ? permits : 0), 0);
    return (
      !holds.some((hold) => isInTheWay(hold, place)) &&
      (place.mode !== 'permits' || taken + place.permits <= PERMITS)
    );
  }
}

function put<Row extends { readonly op: string; readonly lock: string }>(
  rows: Map<string, Map<number, Row>>,
  row: Row,
  key: number,
): void {
  const ofLock = rows.get(row.lock) ?? new Map<number, Row>();
  rows.set(row.lock, ofLock);
  if (row.op === 'delete') ofLock.delete(key);
  else ofLock.set(key, row);
}
