// What do statements that take runs back from the dead mean?
import { fireKey, type ClaimRow } from '../model-database.js';
import { closeFire, moveToHistory } from './settlement.js';
import { answer, BLOCKED, changed, type Meaning, type Scene } from './meaning.js';

export const REVOCATION_STATEMENTS: readonly Meaning[] = [
  {
    name: 'hasVoidClaims',
    says: ['select 1 from carillon.claim c where not exists (select 1 from carillon.replica r'],
    run: (scene) =>
      answer(
        voidClaims(scene)
          .slice(0, 1)
          .map(() => ({})),
      ),
  },
  {
    name: 'deleteVoidClaims',
    says: ['with void as ( select c.id from carillon.claim c', 'for update skip locked'],
    run: (scene) => {
      const { db, tx, params } = scene;
      const claims = voidClaims(scene)
        .toSorted((a, b) => a.claimedAtMs - b.claimedAtMs)
        .filter(({ id }) => !db.claim.isLocked(id, tx))
        .slice(0, params[0] as number);
      db.claim.lockAll(
        claims.map(({ id }) => id),
        tx,
      );
      for (const { id } of claims) db.claim.write(id, tx, null);
      return answer(
        claims.map(({ replica, runs }) => ({ replica, runIds: runs, started: null })),
        'DELETE',
      );
    },
  },
  {
    name: 'requeueLost',
    says: ['update carillon.run set attempt = attempt + 1, losses = losses + 1'],
    run: requeueLost,
  },
  {
    name: 'deadLetter',
    says: ['with gone as (delete from carillon.run where id = any($1::uuid[]) returning *), decided as'],
    run: deadLetter,
  },
];

function voidClaims({ db, broken }: Scene): ClaimRow[] {
  if (broken.has('claims of the dead are left alone')) return [];
  return db.claim.rows().filter((claim) => !db.isLive(claim.replica));
}

function deadLetter(scene: Scene): ReturnType<Meaning['run']> {
  const { db, tx, params } = scene;
  const there = (params[0] as string[]).filter((id) => db.run.get(id, tx) !== null);
  if (!db.run.lockAll(there, tx)) return BLOCKED;
  const runs = there.map((id) => db.run.get(id, tx)).filter((run) => run !== null);
  const keys = runs
    .flatMap(({ schedule, dueMs }) => (schedule === null || dueMs === null ? [] : [fireKey(schedule, dueMs)]))
    .filter((key) => db.fire.get(key, tx)?.outcome === 'planned');
  if (!db.fire.lockAll(keys, tx)) return BLOCKED;
  for (const run of runs) {
    moveToHistory(scene, run, { attempt: run.attempt - 1, outcome: 'dead-lettered' });
    tx.acts.push({ kind: 'dead-letter', run: run.id });
  }
  for (const key of keys) closeFire(scene, key, { outcome: 'late', reason: 'poison' });
  return changed(there.length, 'INSERT');
}

function requeueLost({ db, tx, params }: Scene): ReturnType<Meaning['run']> {
  const replica = params[0] as number;
  const ids = new Set(params.find((param) => Array.isArray(param)) as string[]);
  const there = [...ids].filter((id) => db.run.get(id, tx) !== null);
  if (!db.run.lockAll(there, tx)) return BLOCKED;
  const lost: object[] = [];
  for (const id of there) {
    const row = db.run.get(id, tx);
    if (row === null) continue;
    const { slot, attempt } = row;
    const next = {
      ...row,
      attempt: attempt + 1,
      losses: row.losses + 1,
      crashes: row.crashes + (row.startedBy === replica ? 1 : 0),
      startedBy: null,
    };
    db.run.write(id, tx, next);
    tx.acts.push({ kind: 'outcome', replica, run: id, attempt, outcome: 'lost', claimedAttempt: attempt });
    lost.push({ id, slot, losses: next.losses, crashes: next.crashes, lastError: null });
  }
  return answer(lost, 'UPDATE');
}
