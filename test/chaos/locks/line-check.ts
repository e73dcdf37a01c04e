// Is each waiter served, and in turn? No lock may lie idle while the first in its line could have it; holds end with
// their leases, and lines keep their order; so no one waits for longer than those before it take. Faults are the reason
// for an idle lock as long as their windows last, and then until the last place without a caller has ended; what remains
// must be short, but for what the machine kept the harness itself waiting.
import { around, SLACK_MS, windowOf } from '../checks/fault-windows.js';
import type { FaultRecord } from '../faults.js';
import { stalledMs, type Stall } from '../stalls.js';
import { eventsOf, Lines, spansWhere, type Event } from './lines.js';
import type { LockLine } from './lock-log.js';
import type { HoldNote, LockTables } from './lock-notes.js';
import { WAIT_SECONDS } from './lock-plan.js';
import type { LockTrouble } from './lock-users.js';

/** A replica looks four times a second at least, and acquires then. */
const IDLE_MS_MAX = 1_000 + SLACK_MS;
/** A place whose caller is gone, and whose replica could not say so, lasts as long as its request would have. */
const PLACE_MS = WAIT_SECONDS * 1_000 + 2_000;
/** A place that ends or is asked for again within it may have looked otherwise to the one that was served. */
const UNCLEAR_MS = 1_000;
/** Until a user has given up the request whose answer was lost, and made another one. */
const UNHEARD_MS = (WAIT_SECONDS + 15) * 1_000 + SLACK_MS;
const HEARS_AGAIN_MS: Readonly<Record<LockTrouble['kind'], number>> = {
  freeze: SLACK_MS,
  kill: SLACK_MS,
  mute: UNHEARD_MS,
  deaf: UNHEARD_MS,
};

export interface Surroundings {
  readonly faults: readonly FaultRecord[];
  readonly stalls: readonly Stall[];
  readonly troubles: readonly LockTrouble[];
  readonly readAtMs: number;
}

interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** L4. */
export function checkLines(
  lines: readonly LockLine[],
  tables: LockTables,
  surroundings: Surroundings,
): string[] {
  const events = eventsOf(tables.holdNotes, tables.waitNotes);
  return [
    ...idleLocks(events, surroundings),
    ...forgotten(lines, events, surroundings),
    ...overtakings(events, tables, surroundings),
  ];
}

/** A replica answers the first in line. */
function idleLocks(events: readonly Event[], surroundings: Surroundings): string[] {
  return spansWhere((state, lock, atMs) => state.isIdle(lock, atMs), { events, endMs: surroundings.readAtMs })
    .filter((span) => isTooLong(span, surroundings))
    .map(
      ({ lock, fromMs, toMs }) =>
        `L4: ${lock} lay idle for ${Math.round(toMs - fromMs)} ms from ${new Date(fromMs).toISOString()}, with a line before it`,
    );
}

/** A user waits, and no replica knows. Only what it hears itself may be the reason. */
function forgotten(
  lines: readonly LockLine[],
  events: readonly Event[],
  surroundings: Surroundings,
): string[] {
  const free = spansWhere((state, lock, atMs) => state.isFree(lock, atMs), {
    events,
    endMs: surroundings.readAtMs,
  });
  const long = free.filter(({ fromMs, toMs }) => toMs - fromMs > IDLE_MS_MAX);
  const freeOf = Map.groupBy(long, ({ lock }) => lock);
  const ends = new Map(
    lines.flatMap((line) =>
      line.kind === 'acquired' || line.kind === 'gave-up' ? [[line.id, line.atMs]] : [],
    ),
  );
  return lines.flatMap((line) => {
    const endMs = line.kind === 'asked' ? ends.get(line.id) : undefined;
    // One that wants several may wait for another one.
    if (line.kind !== 'asked' || line.locks.length > 1 || endMs === undefined) return [];
    return (freeOf.get(line.locks[0] ?? '') ?? [])
      .map(({ fromMs, toMs }) => ({ fromMs: Math.max(fromMs, line.atMs), toMs: Math.min(toMs, endMs) }))
      .filter((span) => isTooLong(span, surroundings) && !isCutOff(line.user, span, surroundings))
      .map(
        ({ fromMs, toMs }) =>
          `L4: ${line.id} waited for ${line.locks.join()}, which was free for ${Math.round(toMs - fromMs)} ms from ${new Date(fromMs).toISOString()}`,
      );
  });
}

function isCutOff(user: string, span: Span, { troubles }: Surroundings): boolean {
  return troubles.some(
    ({ process, kind, fromMs, toMs }) =>
      user.startsWith(`${process}.`) && fromMs < span.toMs && toMs + HEARS_AGAIN_MS[kind] > span.fromMs,
  );
}

function isTooLong(span: Span, { faults, stalls }: Surroundings): boolean {
  if (span.toMs - span.fromMs <= IDLE_MS_MAX) return false;
  const windows = faults.map(windowOf).map(({ fromMs, toMs }) => ({ fromMs, toMs: toMs + PLACE_MS }));
  return uncovered(span, windows) - stalledMs(stalls, span) > IDLE_MS_MAX;
}

function uncovered({ fromMs, toMs }: Span, covers: readonly Span[]): number {
  let ms = 0;
  let reachedMs = fromMs;
  for (const cover of covers.toSorted((a, b) => a.fromMs - b.fromMs)) {
    ms += Math.max(0, Math.min(cover.fromMs, toMs) - reachedMs);
    reachedMs = Math.max(reachedMs, cover.toMs);
  }
  return ms + Math.max(0, toMs - reachedMs);
}

/** Outside of faults. The place of a waiter whose replica is gone counts no more, however long it lasts. */
function overtakings(
  events: readonly Event[],
  { waitNotes, gone }: LockTables,
  { faults }: Surroundings,
): string[] {
  const goneAtMs = new Map(gone.map(({ replica, atMs }) => [replica, atMs]));
  const changes = Map.groupBy(waitNotes, ({ lock, ticket }) => `${lock}/${ticket}`);
  // With the place that was given up for a hold, in its transaction; who had none stands behind all.
  const givenUp = new Map(
    waitNotes.filter(({ op }) => op === 'delete').map((note) => [placeKey(note), note.ticket]),
  );
  const state = new Lines();
  return events.flatMap((event) => {
    const line = 'hold' in event ? state.line(event.hold.lock, event.atMs) : [];
    state.apply(event);
    if (!('hold' in event) || event.hold.op !== 'insert' || around(faults, event.atMs).length > 0) return [];
    const { hold } = event;
    const ticket = givenUp.get(placeKey(hold)) ?? Number.POSITIVE_INFINITY;
    const overtaken = line.find(
      (place) =>
        place.holder !== hold.holder &&
        place.ticket < ticket &&
        place.untilMs > event.atMs + UNCLEAR_MS &&
        !(place.replica !== null && (goneAtMs.get(place.replica) ?? Infinity) <= event.atMs) &&
        !(changes.get(`${place.lock}/${place.ticket}`) ?? []).some(
          ({ op, atMs }) => op !== 'insert' && Math.abs(atMs - event.atMs) < UNCLEAR_MS,
        ),
    );
    return overtaken === undefined
      ? []
      : [
          `L4: ${hold.lock} went to ${hold.holder} at ${new Date(hold.atMs).toISOString()}, before ${overtaken.holder}, which stood in line with ticket ${overtaken.ticket}`,
        ];
  });
}

function placeKey({ lock, holder, xid }: Pick<HoldNote, 'lock' | 'holder' | 'xid'>): string {
  return `${lock}/${holder}/${xid}`;
}
