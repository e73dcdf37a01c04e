// What do statements that acquire and release named locks mean, and those that look at their lines?
import { REPLICA_GATE } from '#database/advisory-locks.js';
import type { NeededLock } from '#execution/limits/decisions/lane-rules.js';
import { holderOf } from '../lock-promises.js';
import type { RunRow } from '../model-database.js';
import { leaveGate } from '../transaction.js';
import {
  acquire,
  firstInLine,
  hasEnded,
  holdsOf,
  keyOf,
  lockRows,
  placesOf,
  takeTurn,
  waitKey,
} from './locks.js';
import { answer, at, BLOCKED, changed, zipped, type Meaning, type Scene } from './meaning.js';

/** For how long a run's place in line lasts without being asked for again; its hold lasts as long as its attempt. */
const PLACE_MS = 30_000;
const CALLERS_LOCK_MS = 1_000;

export const LOCK_STATEMENTS: readonly Meaning[] = [
  { name: 'acquireRunLocks', says: ['from carillon.acquire_run_locks('], run: acquireRunLocks },
  { name: 'acquireLocks', says: ['from carillon.acquire_locks('], run: acquireLocks },
  { name: 'lookAtPlaces', says: ['select carillon.first_in_line('], run: lookAtPlaces },
  {
    name: 'leaveLines',
    says: ['delete from carillon.lock_wait w using unnest('],
    run: (scene) => {
      const { db, tx, params } = scene;
      const gone = (zipped(...params.slice(0, 2)) as [string, string][])
        .flatMap(([tenantId, holder]) => placesOf(scene, tenantId, holder))
        .filter(({ replica }) => replica === params[2]);
      if (!db.lockWait.lockAll(gone.map(waitKey), tx)) return BLOCKED;
      for (const place of gone) db.lockWait.write(waitKey(place), tx, null);
      return changed(gone.length, 'DELETE');
    },
  },
  {
    name: 'releaseHold',
    says: ['select carillon.release_hold($1::uuid'],
    run: (scene) => {
      const { db, tx, params } = scene;
      const [tenantId, name, token] = params as [string, string, number];
      const key = keyOf({ tenantId, name, token });
      const isAwaited = db.lockWait.rows(tx).some((wait) => wait.tenantId === tenantId && wait.name === name);
      const row = db.lockHold.get(key, tx);
      if (row === null) return answer([{ wasHeld: false, isAwaited }]);
      if (!db.lockHold.lock(key, tx, 'write')) return BLOCKED;
      db.lockHold.write(key, tx, null);
      return answer([{ wasHeld: !hasEnded(scene, row), isAwaited }]);
    },
  },
  {
    name: 'dropHolds',
    says: ['update carillon.run r set holds = null where r.id = any($1::uuid[])'],
    run: ({ db, tx, params, broken }) => {
      if (broken.has('runs that do not start and keep their locks')) return changed(0);
      const [ids, replica] = params as [string[], number];
      const isOurs = (id: string): boolean =>
        db.claim.rows(tx).some((claim) => claim.replica === replica && claim.runs.includes(id));
      const holding = ids.filter((id) => (db.run.get(id, tx)?.holds ?? null) !== null && isOurs(id));
      if (!db.run.lockAll(holding, tx)) return BLOCKED;
      for (const id of holding) noteHolds({ db, tx }, id, null);
      return changed(holding.length);
    },
  },
];

interface AskingRun {
  id: string;
  tenant: string;
  claim: string;
  attempt: number;
  lane: number;
  inherits: string | null;
  locks: readonly NeededLock[];
}

type Outcome = { outcome: string; holds: RunRow['holds']; ticket: number | null; why: null };

/** Called again after a wait, it finds what it did before: the run holds its locks, or has its place. */
function acquireRunLocks(scene: Scene): ReturnType<Meaning['run']> {
  const { params, server, tx, broken } = scene;
  const replica = params[0] as number;
  if (broken.has("locks acquired without the replica's gate"))
    leaveGate(server.locks.gate(REPLICA_GATE, replica), tx);
  const closed = new Set<number>();
  const rows: Outcome[] = [];
  for (const run of JSON.parse(params[1] as string) as AskingRun[]) {
    const got = acquireForRun(scene, { run, replica, isBehind: closed.has(run.lane) });
    if (got === BLOCKED) return BLOCKED;
    if (got.outcome === 'busy' || got.outcome === 'waits') closed.add(run.lane);
    rows.push({ holds: null, ticket: null, why: null, ...got });
  }
  return answer(rows);
}

function acquireForRun(
  scene: Scene,
  { run, replica, isBehind }: { run: AskingRun; replica: number; isBehind: boolean },
): (Pick<Outcome, 'outcome'> & Partial<Outcome>) | typeof BLOCKED {
  const { db, tx } = scene;
  const { id, attempt } = run;
  if (isBehind) return { outcome: 'behind' };
  const claim = db.claim.get(run.claim, tx);
  if (claim?.replica !== replica || !claim.runs.includes(id) || db.run.get(id, tx)?.attempt !== attempt)
    return { outcome: 'gone' };
  if (!db.run.lock(id, tx, 'write')) return { outcome: 'busy' };
  const kept = db.run.get(id, tx)?.holds ?? null;
  if (kept !== null) {
    if (isAllOf(scene, run, kept)) return { outcome: 'held', holds: kept };
    noteHolds(scene, id, null);
  }
  const request = {
    tenantId: run.tenant,
    me: holderOf(id, attempt),
    wishes: run.locks.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    leaseMs: scene.broken.has('runs whose locks have a lease') ? 100 : Number.POSITIVE_INFINITY,
    waitMs: PLACE_MS,
    replica,
  };
  if (!takeTurn(scene, request, false)) return { outcome: 'busy' };
  if (!lockRows(scene, request) || !inherit(scene, run, request.me)) return BLOCKED;
  const got = acquire(scene, request);
  if (got === null) return { outcome: 'busy' };
  if ('ticket' in got) return { outcome: 'waits', ticket: got.ticket };
  for (const hold of got.holds) db.lockHold.write(keyOf(hold), tx, { ...hold, run: id });
  const holds = got.holds.map(({ name, token }) => ({ name, token }));
  noteHolds(scene, id, holds);
  return { outcome: 'held', holds };
}

function isAllOf(
  { db, tx }: Scene,
  { tenant, locks }: AskingRun,
  kept: NonNullable<RunRow['holds']>,
): boolean {
  return (
    kept.length === locks.length &&
    kept.every(({ name, token }) => {
      const hold = db.lockHold.get(keyOf({ tenantId: tenant, name, token }), tx);
      return locks.some(
        (lock) => lock.name === name && lock.mode === hold?.mode && lock.permits === hold.permits,
      );
    })
  );
}

function noteHolds({ db, tx }: Pick<Scene, 'db' | 'tx'>, id: string, holds: RunRow['holds']): void {
  const row = db.run.get(id, tx);
  if (row !== null) db.run.write(id, tx, { ...row, holds });
}

/** The place is the lane's. False when another is writing it. */
function inherit(scene: Scene, { tenant, inherits }: AskingRun, me: string): boolean {
  const { db, tx } = scene;
  if (inherits === null || inherits === me) return true;
  const theirs = placesOf(scene, tenant, inherits);
  if (!db.lockWait.lockAll(theirs.map(waitKey), tx)) return false;
  for (const own of placesOf(scene, tenant, me)) db.lockWait.write(waitKey(own), tx, null);
  for (const place of theirs) db.lockWait.write(waitKey(place), tx, { ...place, holder: me });
  return true;
}

function acquireLocks(scene: Scene): ReturnType<Meaning['run']> {
  const { params, tx } = scene;
  const [tenantId, me, names, modes, permits, leaseMs, , waitMs, replica] = params as [
    string,
    string,
    string[],
    NeededLock['mode'][],
    number[],
    number,
    boolean,
    number | null,
    number | null,
  ];
  tx.lockMs = CALLERS_LOCK_MS;
  const wishes = names.map((name, index) => ({
    name,
    mode: modes[index] ?? 'exclusive',
    permits: permits[index] ?? 1,
  }));
  const request = { tenantId, me, wishes, leaseMs, waitMs, replica };
  if (!takeTurn(scene, request, true) || !lockRows(scene, request)) return BLOCKED;
  const got = acquire(scene, request);
  if (got === null) return answer();
  if ('ticket' in got) return answer([{ name: null, token: null, expiresAt: null, ticket: got.ticket }]);
  return answer(
    got.holds.map(({ name, token, expiresAtMs }) => ({
      name,
      token,
      expiresAt: at(expiresAtMs),
      ticket: null,
    })),
  );
}

function lookAtPlaces(scene: Scene): ReturnType<Meaning['run']> {
  const { db, tx, params, server } = scene;
  const nowMs = server.wallMs();
  const places = (zipped(...params) as [string, string, number][]).flatMap(([tenantId, name, ticket]) => {
    const wait = db.lockWait.get(waitKey({ tenantId, name, ticket }), tx);
    return wait === null ? [] : [wait];
  });
  return answer(
    places.map(({ tenantId, name, ticket, holder, mode }) => {
      const holds = holdsOf(scene, tenantId, name).filter((hold) => !hasEnded(scene, hold));
      const isFirst = firstInLine(scene, { tenantId, name, me: holder }) === holder;
      const isShared = mode !== 'exclusive' && holds.every((hold) => hold.mode !== 'exclusive');
      const heldMs =
        holds.length === 0 ? null : nowMs - Math.max(...holds.map(({ acquiredAtMs }) => acquiredAtMs));
      const leases = holds.map(({ expiresAtMs }) => expiresAtMs).filter(Number.isFinite);
      return {
        ticket,
        isReady: isFirst && (holds.length === 0 || isShared),
        heldMs: holds.length === 0 && !isFirst ? 0 : heldMs,
        expiresInMs: leases.length === 0 ? null : Math.min(...leases) - nowMs,
      };
    }),
  );
}
