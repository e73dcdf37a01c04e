// What do statements that end attempts mean?
import { leaveGate } from '../transaction.js';
import { fireKey, type FireRow, type RunRow } from '../model-database.js';
import { REPLICA_GATE } from '#database/advisory-locks.js';
import { answer, BLOCKED, changed, listed, msOf, zipped, type Meaning, type Scene } from './meaning.js';

/**
 * The claim and the attempt number are there so that no end is written for an attempt that is another replica's, or
 * over.
 */
export const BY_ID_ALONE = 'settlements by the id of the run alone';

export const SETTLEMENT_STATEMENTS: readonly Meaning[] = [
  {
    name: 'lockClaims',
    says: [
      'select id from carillon.claim where replica = $1 and id = any($2::uuid[]) order by id for update',
    ],
    run: lockClaims,
  },
  {
    name: 'stillClaimed',
    says: ['select e.place::int - 1 as place', 'with ordinality as e (id, attempt, claim_id, place)'],
    run: ({ db, tx, params, broken }) => {
      const [ids, attempts, claims, replica] = params as [string[], number[], string[], number];
      const isHeld = (id: string, index: number): boolean => {
        if (broken.has(BY_ID_ALONE)) return true;
        const claim = db.claim.get(claims[index] ?? '', tx);
        return (
          claim?.replica === replica &&
          claim.runs.includes(id) &&
          db.run.get(id, tx)?.attempt === attempts[index]
        );
      };
      return answer(ids.flatMap((id, place) => (isHeld(id, place) ? [{ place }] : [])));
    },
  },
  {
    name: 'decideFires',
    says: ['update carillon.fire f set started_at = s.started_at'],
    run: decideFires,
  },
  {
    name: 'finishRuns',
    says: [
      'gone as ( delete from carillon.run where id = any((select ids from asked)::uuid[]) and attempt = $2 returning',
    ],
    run: finishRuns,
  },
  {
    name: 'retryRuns',
    says: ['update carillon.run r set attempt = r.attempt + 1, failures = r.failures + e.failed'],
    run: retryRuns,
  },
  {
    name: 'putOffRuns',
    says: ['update carillon.run r set run_at = clock_timestamp()', 'started_by = null'],
    run: putOffRuns,
  },
  {
    name: 'closeFires',
    says: ['update carillon.fire f set outcome = e.outcome, reason = e.reason'],
    run: closeFires,
  },
  {
    name: 'closeClaims',
    says: ['delete from carillon.claim where id = any($1::uuid[])'],
    run: closeClaims,
  },
  {
    name: 'shrinkClaims',
    says: ['update carillon.claim set run_ids = array(select held from unnest(run_ids)'],
    run: ({ db, tx, params }) => {
      const [leaving, ids] = params as [string[], string[]];
      const there = ids.filter((id) => db.claim.get(id, tx) !== null);
      if (!db.claim.lockAll(there, tx)) return BLOCKED;
      for (const id of there) {
        const row = db.claim.get(id, tx);
        if (row !== null)
          db.claim.write(id, tx, { ...row, runs: row.runs.filter((run) => !leaving.includes(run)) });
      }
      return changed(there.length);
    },
  },
];

export function lockClaims({ db, tx, params, server, broken }: Scene): ReturnType<Meaning['run']> {
  const [replica, ids] = params as [number, string[]];
  if (broken.has('settlements without the gate')) leaveGate(server.locks.gate(REPLICA_GATE, replica), tx);
  if (broken.has(BY_ID_ALONE)) return answer(ids.map((id) => ({ id })));
  const ours = ids.filter((id) => db.claim.get(id, tx)?.replica === replica).toSorted();
  if (!db.claim.lockAll(ours, tx)) return BLOCKED;
  return answer(ours.filter((id) => db.claim.get(id, tx) !== null).map((id) => ({ id })));
}

export function decideFires({ db, tx, params }: Scene): ReturnType<Meaning['run']> {
  const [schedules, dues, starts, lateAfter] = params as [string, string, string, number];
  const fires = zipped(...[schedules, dues, starts].map(listed))
    .map(([schedule, dueAt, startedAt]) => ({
      key: fireKey(schedule as string, Date.parse(dueAt as string)),
      isLate: Date.parse(startedAt as string) - Date.parse(dueAt as string) > lateAfter * 1_000,
    }))
    .filter(({ key }) => db.fire.get(key, tx)?.outcome === 'planned');
  if (
    !db.fire.lockAll(
      fires.map(({ key }) => key),
      tx,
    )
  )
    return BLOCKED;
  for (const { key, isLate } of fires) {
    const row = db.fire.get(key, tx);
    if (row?.outcome !== 'planned') continue;
    db.fire.write(key, tx, { ...row, outcome: isLate ? 'late' : 'fired' });
    tx.acts.push({ kind: 'decision', schedule: row.schedule, dueMs: row.dueMs, from: row.outcome });
  }
  return changed(fires.length);
}

export function closeClaims({ db, tx, params }: Scene): ReturnType<Meaning['run']> {
  const there = (params[0] as string[]).filter((id) => db.claim.get(id, tx) !== null);
  if (!db.claim.lockAll(there, tx)) return BLOCKED;
  for (const id of there) db.claim.write(id, tx, null);
  return changed(there.length, 'DELETE');
}

export function finishRuns(scene: Scene): ReturnType<Meaning['run']> {
  const { db, tx, params, broken } = scene;
  const [idList, attempt, replica, outcomeList] = params as [string, number, number, string];
  const [ids, outcomes] = [listed(idList), listed(outcomeList)];
  const fits = (row: RunRow | null): row is RunRow =>
    row !== null && (row.attempt === attempt || broken.has(BY_ID_ALONE));
  const found = ids.filter((id) => fits(db.run.get(id, tx)));
  if (!db.run.lockAll(found, tx)) return BLOCKED;
  const gone = found.map((id) => db.run.get(id, tx)).filter(fits);
  for (const run of gone) {
    const outcome = outcomes[ids.indexOf(run.id)] ?? 'succeeded';
    if (outcome === 'failed') tx.acts.push({ kind: 'failed-for-good', run: run.id });
    moveToHistory(scene, run, { attempt: run.attempt, outcome });
    tx.acts.push({
      kind: 'outcome',
      replica,
      run: run.id,
      attempt: run.attempt,
      outcome,
      claimedAttempt: attempt,
    });
  }
  const done = new Set(gone.map(({ id }) => id));
  return answer(ids.filter((id) => !done.has(id)).map((id) => ({ id })));
}

export function moveToHistory(
  { db, tx, broken }: Scene,
  run: RunRow,
  end: { attempt: number; outcome: string },
): void {
  db.run.write(run.id, tx, null);
  if (!broken.has('finished runs are not kept')) {
    db.history.lock(run.id, tx, 'write');
    db.history.write(run.id, tx, { run: run.id, row: run, ...end });
  }
  tx.acts.push({ kind: 'run-gone', run: run.id });
}

function retryRuns({ db, tx, params, server, broken }: Scene): ReturnType<Meaning['run']> {
  const [ids, attempts, failed, delays, records] = params as [
    string[],
    number[],
    number[],
    number[],
    string[],
  ];
  const fits = (id: string, index: number): boolean =>
    broken.has(BY_ID_ALONE) ? db.run.get(id, tx) !== null : db.run.get(id, tx)?.attempt === attempts[index];
  if (!db.run.lockAll(ids.filter(fits), tx)) return BLOCKED;
  const back: { id: string }[] = [];
  for (const [index, id] of ids.entries()) {
    const row = db.run.get(id, tx);
    if (row === null || !fits(id, index)) continue;
    const { replica, outcome } = JSON.parse(records[index] ?? '{}') as { replica: number; outcome: string };
    const delayMs = delays[index] ?? 0;
    db.run.write(id, tx, {
      ...row,
      attempt: row.attempt + 1,
      failures: row.failures + (failed[index] ?? 0),
      startedBy: null,
      runAtMs: delayMs > 0 ? server.wallMs() + delayMs : row.runAtMs,
    });
    tx.acts.push({
      kind: 'outcome',
      replica,
      run: id,
      attempt: row.attempt,
      outcome: outcome === 'lost' ? 'stopped' : outcome, // said by a replica that lives; 'lost' is said of the dead
      claimedAttempt: attempts[index] ?? 0,
    });
    back.push({ id });
  }
  return answer(back, 'UPDATE');
}

function putOffRuns({ db, tx, params, server }: Scene): ReturnType<Meaning['run']> {
  const asked = zipped(...params.slice(0, 3)) as [string, number, number][];
  const fits = ([id, attempt]: (typeof asked)[number]): boolean => db.run.get(id, tx)?.attempt === attempt;
  const ids = asked.filter(fits).map(([id]) => id);
  if (!db.run.lockAll(ids, tx)) return BLOCKED;
  const put = asked.filter(fits).flatMap(([id, , delayMs]) => {
    const row = db.run.get(id, tx);
    if (row !== null) db.run.write(id, tx, { ...row, startedBy: null, runAtMs: server.wallMs() + delayMs });
    tx.acts.push({ kind: 'put-off', run: id });
    return { id };
  });
  return answer(put, 'UPDATE');
}

function closeFires({ db, tx, params }: Scene): ReturnType<Meaning['run']> {
  const fires = (zipped(...params) as [string, Date, string, string][])
    .map(([schedule, dueAt, outcome, reason]) => ({ key: fireKey(schedule, msOf(dueAt)), outcome, reason }))
    .filter(({ key }) => db.fire.get(key, tx)?.outcome === 'planned');
  const keys = fires.map(({ key }) => key);
  if (!db.fire.lockAll(keys, tx)) return BLOCKED;
  for (const { key, ...decision } of fires) closeFire({ db, tx }, key, decision);
  return changed(fires.length);
}

/** Decides the fire, whose lock is there, if it is still open. */
export function closeFire(
  { db, tx }: Pick<Scene, 'db' | 'tx'>,
  key: string,
  decision: Pick<FireRow, 'outcome' | 'reason'>,
): void {
  const fire = db.fire.get(key, tx);
  if (fire?.outcome !== 'planned') return;
  db.fire.write(key, tx, { ...fire, ...decision });
  tx.acts.push({ kind: 'decision', schedule: fire.schedule, dueMs: fire.dueMs, from: fire.outcome });
}
