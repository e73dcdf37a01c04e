// Do tokens tell who came later, and are those that came earlier kept out by them? A token that was handed out must be the
// database's and no one else's, and must grow with each acquisition. What a holder writes must have been committed before
// a later holder, which excludes it, writes: the transaction of the former is one that the snapshot of the latter shows.
// No clock is needed to prove that.
import { isInTheWay, sureSpans, type SureSpan } from './exclusion-check.js';
import type { LockLine, LockMode } from './lock-log.js';
import type { HoldNote, LockTables, LockWrite } from './lock-notes.js';

/** L2, L3. */
export function checkTokens(lines: readonly LockLine[], { holdNotes, writes }: LockTables): string[] {
  return [
    ...givenTwice(lines),
    ...notGrown(lines),
    ...madeUp(lines, holdNotes),
    ...lateWrites(writes, holdNotes),
  ];
}

function givenTwice(lines: readonly LockLine[]): string[] {
  const given = lines.flatMap((line) =>
    line.kind === 'acquired' ? line.taken.map(({ token }) => ({ token, id: line.id })) : [],
  );
  return [...Map.groupBy(given, ({ token }) => token)]
    .filter(([, those]) => those.length > 1)
    .map(([token, those]) => `L2: token ${token} was given to ${those.map(({ id }) => id).join(' and ')}`);
}

/** One that excludes the other was acquired after it, and so was one that was asked for after the other was answered. */
function notGrown(lines: readonly LockLine[]): string[] {
  const askedMs = new Map(lines.flatMap((line) => (line.kind === 'asked' ? [[line.id, line.atMs]] : [])));
  return [...Map.groupBy(sureSpans(lines), ({ lock }) => lock).values()].flatMap((ofLock) => {
    const sorted = ofLock.toSorted((a, b) => a.fromMs - b.fromMs);
    return sorted.flatMap((later, index) =>
      largestBefore(sorted.slice(0, index), later, askedMs.get(later.id) ?? later.fromMs),
    );
  });
}

function largestBefore(before: readonly SureSpan[], later: SureSpan, askedMs: number): string[] {
  const former = before.findLast(
    (each) => each.token >= later.token && (isInTheWay(each, later) || each.fromMs < askedMs),
  );
  return former === undefined
    ? []
    : [
        `L2: ${later.id} acquired ${later.lock} with token ${later.token} after ${former.id} had with token ${former.token}`,
      ];
}

function madeUp(lines: readonly LockLine[], holdNotes: readonly HoldNote[]): string[] {
  const begun = holdNotes.filter(({ op }) => op === 'insert');
  const lockOf = new Map(begun.map(({ token, lock }) => [token, lock]));
  const unknown = lines.flatMap((line) =>
    line.kind === 'acquired'
      ? line.taken
          .filter(({ token, lock }) => lockOf.get(token) !== lock)
          .map(
            ({ token, lock }) =>
              `L2: ${line.id} has token ${token} of ${lock}, which the database never gave`,
          )
      : [],
  );
  const shrunk = [...Map.groupBy(begun, ({ lock }) => lock)].flatMap(([lock, notes]) =>
    notes.flatMap(({ token }, index) => {
      const before = notes[index - 1]?.token ?? 0;
      return token > before ? [] : [`L2: ${lock} was held with token ${token} after token ${before}`];
    }),
  );
  return [...unknown, ...shrunk];
}

function lateWrites(writes: readonly LockWrite[], holdNotes: readonly HoldNote[]): string[] {
  const modes = new Map(holdNotes.map(({ token, mode }) => [token, mode]));
  return [...Map.groupBy(writes, ({ lock }) => lock).values()].flatMap((ofLock) => lateOf(ofLock, modes));
}

interface Write extends LockWrite {
  readonly id: bigint;
  readonly mode: LockMode;
}

function lateOf(ofLock: readonly LockWrite[], modes: ReadonlyMap<number, LockMode>): string[] {
  const sorted: Write[] = ofLock
    .map((write) => ({
      ...write,
      id: BigInt(write.xid),
      mode: modes.get(write.token) ?? ('exclusive' as const),
    }))
    .toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const smallest = smallestFrom(sorted);
  return sorted.flatMap((later, index) => {
    const shown = snapshotOf(later.snapshot);
    let from = index;
    while (from > 0 && (sorted[from - 1]?.id ?? 0n) >= shown.xmin) from -= 1;
    let to = from;
    while ((smallest[to] ?? later.token) < later.token) to += 1;
    return sorted
      .slice(from, to)
      .filter((each) => each.token < later.token && isInTheWay(each, later) && !shown.shows(each.id))
      .map(
        (stale) =>
          `L3: ${stale.holder} wrote with token ${stale.token} of ${stale.lock} (transaction ${stale.xid}), which was not over when ${later.holder} wrote with token ${later.token}`,
      );
  });
}

/** Of each place in the order of transactions: the smallest token from there on, so that a long log is read once. */
function smallestFrom(sorted: readonly Write[]): number[] {
  let least = Number.POSITIVE_INFINITY;
  return sorted
    .toReversed()
    .map(({ token }) => (least = Math.min(least, token)))
    .toReversed();
}

/** Which transactions had been committed, if they ever were. */
function snapshotOf(text: string): { xmin: bigint; shows: (xid: bigint) => boolean } {
  const [xmin = '0', xmax = '0', xip = ''] = text.split(':');
  const underWay = new Set(xip.split(',').filter((xid) => xid !== ''));
  return {
    xmin: BigInt(xmin),
    shows: (xid) => xid < BigInt(xmin) || (xid < BigInt(xmax) && !underWay.has(String(xid))),
  };
}
