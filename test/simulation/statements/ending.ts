// What do statements that end runs without an attempt, ask for their end, or bring ended ones back mean?
import { fireKey, NOT_TRIED, type RunRow } from '../model-database.js';
import { closeFire, moveToHistory } from './settlement.js';
import { answer, BLOCKED, type Meaning, type Scene } from './meaning.js';

export const ENDING_STATEMENTS: readonly Meaning[] = [
  {
    name: 'limitLockWait',
    says: ["select set_config('lock_timeout', $1, true)"],
    run: ({ tx, params }) => {
      tx.lockMs = Number.parseInt(params[0] as string, 10);
      return answer();
    },
  },
  {
    name: 'lockWithoutWaiting',
    says: ['select id from carillon.run where id = any($1::uuid[])', 'for update skip locked'],
    run: lockWithoutWaiting,
  },
  {
    name: 'requestCancel',
    says: ['update carillon.run set cancel_requested_at = coalesce(cancel_requested_at, clock_timestamp())'],
    run: requestCancel,
  },
  {
    name: 'listCancelRequests',
    says: ['select id from carillon.run where cancel_requested_at is not null'],
    run: ({ db }) => {
      const asked = db.run.rows().filter((run) => run.cancelRequestedAtMs !== null);
      return answer(asked.map(({ id }) => ({ id })));
    },
  },
  {
    name: 'lookout',
    says: ['select array[(select min(expires_at) from carillon.lease) is not null'],
    run: (scene) => {
      const runs = scene.db.run.rows();
      const endable = runs.some((run) => hasExpired(scene, run) || run.cancelRequestedAtMs !== null);
      // Of the others only followers: so that they are asked about, though there are none.
      if (scene.broken.has('a lookout that finds nothing'))
        return answer([{ answers: Array(6).fill(false) }]);
      return answer([{ answers: [false, endable, false, true, false, false] }]);
    },
  },
  {
    name: 'listEndable',
    says: ['with held as materialized', 'expired as ( select id, slot from carillon.run r'],
    run: (scene) => {
      const { db, params } = scene;
      const free = unheld(scene, db.run.rows());
      const expired = free
        .filter((run) => hasExpired(scene, run))
        .toSorted((a, b) => (a.deadlineMs ?? 0) - (b.deadlineMs ?? 0));
      const unwanted = free
        .filter((run) => run.cancelRequestedAtMs !== null)
        .toSorted((a, b) => (a.cancelRequestedAtMs ?? 0) - (b.cancelRequestedAtMs ?? 0));
      const [expiredMax, unwantedMax] = params as [number, number];
      const found = new Set([...expired.slice(0, expiredMax), ...unwanted.slice(0, unwantedMax)]);
      return answer([...found].map(({ id, slot }) => ({ id, slot })));
    },
  },
  {
    name: 'endUnclaimed',
    says: ['with held as materialized', 'gone as ( delete from carillon.run r'],
    run: endUnclaimed,
  },
  {
    name: 'lockEnded',
    says: ['select id, unique_key as key,', 'from carillon.run_history where tenant_id = $1', 'for update'],
    run: lockEnded,
  },
  {
    name: 'lockClaimsNaming',
    says: ['select id from carillon.claim where run_ids && $1::uuid[] order by id for update'],
    run: ({ db, tx, params, broken }) => {
      if (broken.has('runs that come back to claims that still name them')) return answer();
      const ids = params[0] as string[];
      const naming = db.claim
        .rows()
        .filter((claim) => claim.runs.some((run) => ids.includes(run)))
        .map(({ id }) => id)
        .toSorted();
      if (!db.claim.lockAll(naming, tx)) return BLOCKED;
      return answer(naming.filter((id) => db.claim.get(id, tx) !== null).map((id) => ({ id })));
    },
  },
  {
    name: 'openFires',
    says: ['locked as materialized ( select a.*, f.run_id as holder', 'update carillon.fire f'],
    run: openFires,
  },
  {
    name: 'queueEndedRuns',
    says: ['with gone as ( delete from carillon.run_history', 'insert into carillon.run (id,'],
    run: queueEndedRuns,
  },
];

function lockWithoutWaiting({ db, tx, params }: Scene): ReturnType<Meaning['run']> {
  const [ids, tenantId] = params as [string[], string | null];
  // A run that two claims of a dead replica name comes twice, and is one row.
  const free = [...new Set(ids)]
    .filter((id) => {
      const row = db.run.get(id, tx);
      return row !== null && (tenantId === null || row.tenantId === tenantId) && !db.run.isLocked(id, tx);
    })
    .toSorted();
  if (!db.run.lockAll(free, tx)) return BLOCKED;
  return answer(free.map((id) => ({ id })));
}

function requestCancel({ db, tx, params, server }: Scene): ReturnType<Meaning['run']> {
  const [ids, tenantId] = params as [string[], string];
  const there = [...new Set(ids)].filter((id) => db.run.get(id, tx)?.tenantId === tenantId);
  if (!db.run.lockAll(there, tx)) return BLOCKED;
  for (const id of there) {
    const row = db.run.get(id, tx);
    if (row !== null)
      db.run.write(id, tx, { ...row, cancelRequestedAtMs: row.cancelRequestedAtMs ?? server.wallMs() });
  }
  return answer(
    there.map((id) => ({ id })),
    'UPDATE',
  );
}

function endUnclaimed(scene: Scene): ReturnType<Meaning['run']> {
  const { db, tx, params } = scene;
  const ids = new Set(params[0] as string[]);
  const there = [...ids].map((id) => db.run.get(id, tx)).filter((run) => run !== null);
  const ending = unheld(scene, there).filter(
    (run) => run.cancelRequestedAtMs !== null || hasExpired(scene, run),
  );
  const keys = ending
    .flatMap(({ schedule, dueMs }) => (schedule === null || dueMs === null ? [] : [fireKey(schedule, dueMs)]))
    .filter((key) => db.fire.get(key, tx)?.outcome === 'planned');
  const runIds = ending.map(({ id }) => id);
  if (!db.run.lockAll(runIds, tx) || !db.fire.lockAll(keys, tx)) return BLOCKED;
  for (const run of ending) {
    const outcome = run.cancelRequestedAtMs === null ? 'expired' : 'cancelled';
    moveToHistory(scene, run, { attempt: run.attempt, outcome });
    tx.acts.push({ kind: 'ended-unheld', run: run.id, attempt: run.attempt, outcome });
    if (run.schedule !== null && run.dueMs !== null)
      closeFire(scene, fireKey(run.schedule, run.dueMs), {
        outcome: outcome === 'cancelled' ? 'skipped' : 'missed',
        reason: outcome,
      });
  }
  return answer(
    runIds.map((id) => ({ id })),
    'INSERT',
  );
}

function lockEnded({ db, tx, params, broken }: Scene): ReturnType<Meaning['run']> {
  const [tenantId, ids, outcomes] = params as [string, string[], string[]];
  if (broken.has('runs taken out of their claims before it is known that they are over'))
    return answer(ids.map((id) => ({ id, ...PLAIN })));
  const fits = (id: string): boolean => {
    const ended = db.history.get(id, tx);
    return ended !== null && ended.row.tenantId === tenantId && outcomes.includes(ended.outcome);
  };
  const there = ids.filter(fits).toSorted();
  if (!db.history.lockAll(there, tx)) return BLOCKED;
  return answer(
    there.filter(fits).map((id) => ({ id, ...PLAIN, hasDueTime: fireOf({ db, tx }, id) !== null })),
  );
}

/** Unique keys are left out of the model: rows of `unique_key` alone decide about them, in one transaction. */
const PLAIN = { key: null, windowMs: null, hasDueTime: false };

function fireOf({ db, tx }: Pick<Scene, 'db' | 'tx'>, id: string): string | null {
  const { schedule, dueMs } = db.history.get(id, tx)?.row ?? { schedule: null, dueMs: null };
  return schedule === null || dueMs === null ? null : fireKey(schedule, dueMs);
}

function openFires({ db, tx, params, broken }: Scene): ReturnType<Meaning['run']> {
  if (broken.has('runs that come back to due times that stay decided')) return answer();
  const [, ids] = params as [string, string[]];
  const asked = ids.flatMap((id) => {
    const key = fireOf({ db, tx }, id);
    return key === null || db.fire.get(key, tx) === null ? [] : { id, key };
  });
  if (
    !db.fire.lockAll(
      asked.map(({ key }) => key),
      tx,
    )
  )
    return BLOCKED;
  const taken = asked.flatMap(({ id, key }) => {
    const fire = db.fire.get(key, tx);
    if (fire !== null && fire.run !== null && fire.run !== id) return { id, holder: fire.run };
    if (fire?.run === id && IS_OPENED.has(fire.outcome))
      db.fire.write(key, tx, { ...fire, outcome: 'planned', reason: 'retry' });
    return [];
  });
  return answer(taken);
}

const IS_OPENED = new Set(['missed', 'coalesced', 'skipped']);

function queueEndedRuns({ db, tx, params, server }: Scene): ReturnType<Meaning['run']> {
  const [tenantId, ids, outcomes] = params as [string, string[], string[]];
  const fits = (id: string): boolean => {
    const ended = db.history.get(id, tx);
    return ended !== null && ended.row.tenantId === tenantId && outcomes.includes(ended.outcome);
  };
  const there = ids.filter(fits);
  if (!db.history.lockAll(there, tx) || !db.run.lockAll(there, tx)) return BLOCKED;
  const back = there.filter(fits);
  const nowMs = server.wallMs();
  for (const id of back) {
    const ended = db.history.get(id, tx);
    if (ended === null) continue;
    const { row } = ended;
    const attempt = ended.attempt + 1;
    const deadlineMs = row.deadlineMs !== null && row.deadlineMs > nowMs ? row.deadlineMs : null;
    db.history.write(id, tx, null);
    const runAtMs = row.dueMs !== null && row.dueMs > nowMs ? Math.max(row.runAtMs, nowMs) : nowMs;
    db.run.write(id, tx, { ...row, ...NOT_TRIED, attempt, deadlineMs, runAtMs });
    tx.acts.push({ kind: 'brought-back', run: id, attempt });
  }
  return answer(
    back.map((id) => ({ id })),
    'INSERT',
  );
}

function unheld({ db, broken }: Scene, runs: readonly RunRow[]): RunRow[] {
  if (broken.has('endings that do not look for claims')) return [...runs];
  const held = new Set(db.claim.rows().flatMap((claim) => claim.runs));
  return runs.filter(({ id }) => !held.has(id));
}

function hasExpired({ server }: Scene, { deadlineMs }: RunRow): boolean {
  return deadlineMs !== null && deadlineMs <= server.wallMs();
}
