// Did locks keep what they promise, and was there anything to judge? What their users wrote down, what the database noted,
// and what is left when all of them are gone.
import type { Evidence, OpenRun } from '../evidence.js';
import { SLACK_MS } from '../checks/fault-windows.js';
import { checkExclusion } from './exclusion-check.js';
import { checkLines } from './line-check.js';
import type { HoldNote } from './lock-notes.js';
import { LEASE_SECONDS, LOCK_NAMES } from './lock-plan.js';
import type { LockAccount } from './lock-users.js';
import { checkTokens } from './token-check.js';

/** Of the last hold, and a second in which a replica may still hear that its caller is gone. */
const FREE_AFTER_MS = LEASE_SECONDS * 1_000 + 1_000;

/** L1 to L5. */
export function checkLocks({ locks, lockTables, faults, stalls, open, readAtMs }: Evidence): string[] {
  const { lines, troubles } = locks;
  return [
    ...checkExclusion(lines),
    ...checkTokens(lines, lockTables),
    ...checkLines(lines, lockTables, { faults, stalls, troubles, readAtMs }),
    ...checkEnd(locks, lockTables.holdNotes),
    ...checkRunHolds(lockTables.holdNotes, open),
    ...atALoss(locks),
  ];
}

/** L5. */
export function checkEnd({ goneAtMs, probes }: LockAccount, holdNotes: readonly HoldNote[]): string[] {
  if (goneAtMs === null) return [];
  const byMs = goneAtMs + FREE_AFTER_MS;
  const last = new Map(holdNotes.map((note) => [note.token, note]));
  const kept = [...last.values()]
    .filter(
      ({ lock, holder, op, expiresAtMs }) =>
        LOCK_NAMES.includes(lock) && holder !== 'probe' && op !== 'delete' && expiresAtMs > byMs,
    )
    .map(
      ({ lock, holder, expiresAtMs }) =>
        `L5: ${lock} stays held by ${holder} until ${Math.round(expiresAtMs - goneAtMs)} ms after all of its users were gone`,
    );
  const refused = probes
    .filter(({ status, atMs }) => status !== 200 && atMs > byMs + SLACK_MS)
    .map(
      ({ lock, status, atMs }) =>
        `L5: ${lock} was refused with ${status}, ${Math.round(atMs - goneAtMs)} ms after all of its users were gone`,
    );
  return [...kept, ...refused];
}

/** L5, of runs: a hold ends with its attempt. */
export function checkRunHolds(
  holdNotes: readonly HoldNote[],
  open: readonly Pick<OpenRun, 'id' | 'attempt'>[],
): string[] {
  const attempts = new Set(open.map(({ id, attempt }) => `run ${id}/${attempt}`));
  const last = new Map(holdNotes.map((note) => [note.token, note]));
  return [...last.values()]
    .filter(({ holder, op }) => holder.startsWith('run ') && op !== 'delete' && !attempts.has(holder))
    .map(({ lock, holder }) => `L5: ${lock} stays held by ${holder}, whose attempt is over`);
}

function atALoss({ lines, goneAtMs, ownEnds }: LockAccount): string[] {
  const complaints = lines.flatMap((line) => (line.kind === 'complaint' ? [line.text] : []));
  const isIdle = goneAtMs !== null && !lines.some(({ kind }) => kind === 'acquired');
  return [
    ...new Set([...complaints, ...ownEnds].map((text) => `I8: a user of locks was at a loss: ${text}`)),
    ...(isIdle ? ['L4: no user has ever acquired a lock'] : []),
  ];
}

/** What the rules had to judge. */
export function locksReached({ locks, lockTables }: Evidence): string {
  const { lines, troubles } = locks;
  const count = (kind: (typeof lines)[number]['kind']): number =>
    lines.filter((line) => line.kind === kind).length;
  const waits = lockTables.waitNotes.filter(({ op }) => op === 'insert').length;
  const unsure = lines.filter((line) => line.kind === 'acquired' && !line.isSure).length;
  return `locks: ${count('acquired')} acquired (${unsure} too late to be sure), ${waits} places in line, ${count('gave-up')} given up, ${lockTables.writes.length} writes, ${count('refused')} refused as stale, ${troubles.length} troubles of users`;
}
