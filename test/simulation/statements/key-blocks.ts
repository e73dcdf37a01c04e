// What do statements about keys with a strict order mean? As in migrations/0039, with its triggers on both tables of runs.
import type { Broken } from '../broken-protocols.js';
import { byRank, type ModelDatabase, type RunRow } from '../model-database.js';
import { blockKeyOf } from '../strict-keys.js';
import type { Transaction } from '../transaction.js';
import { claimRuns, type LaneToPick } from './claims.js';
import { answer, BLOCKED, changed, type Meaning, type Scene } from './meaning.js';

export const KEY_BLOCK_STATEMENTS: readonly Meaning[] = [
  {
    name: 'claimRunsInOrder',
    says: ['with lane as materialized', 'join carillon.key_block b on', 'insert into carillon.claim'],
    run: (scene) => claimRuns(scene, pickInOrder),
  },
  {
    name: 'withdrawClaims',
    says: ["select unsure.id, $1, '{}' from unnest("],
    run: ({ db, tx, params, server, broken }) => {
      const [replica, ids] = params as [number, string[]];
      if (broken.has('claims that may be there are not withdrawn')) return changed(0, 'INSERT');
      if (!db.claim.lockAll(ids, tx)) return BLOCKED;
      for (const id of ids) {
        const claim = db.claim.get(id, tx) ?? { id, replica, claimedAtMs: server.wallMs() };
        db.claim.write(id, tx, { ...claim, runs: [] });
      }
      return changed(ids.length, 'INSERT');
    },
  },
  {
    name: 'blockForPutOff',
    says: ['insert into carillon.key_block (tenant_id, job_type, key, run_id, slot, lane) select'],
    run: ({ db, tx, params }) => {
      const runs = (params[0] as string[]).flatMap((id) => db.run.get(id, tx) ?? []);
      for (const run of runs) block(db, tx, run);
      return changed(runs.length, 'INSERT');
    },
  },
  {
    name: 'unblockKey',
    says: [
      'with blocking as materialized ( select b.run_id, not exists (',
      'delete from carillon.key_block b',
    ],
    run: unblockKey,
  },
];

/** The triggers. */
export function keepKeyBlocks(db: ModelDatabase, broken: Broken): void {
  const { beforeWrite } = db.run;
  db.run.beforeWrite = (before, after, tx) => {
    if (before !== null && after !== null && after.attempt !== before.attempt) {
      const isLost = after.losses > before.losses;
      const isForgotten = broken.has(
        isLost
          ? 'lost runs that do not block their key'
          : 'runs to be tried again that do not block their key',
      );
      if (!isForgotten) block(db, tx, after);
    }
    return beforeWrite === null ? after : beforeWrite(before, after, tx);
  };
  db.history.beforeWrite = (_, after, tx) => {
    if (after === null) return after;
    if (after.outcome !== 'failed' && after.outcome !== 'dead-lettered') {
      if (!broken.has('blocks that stay when their run is over')) unblock(db, tx, after.row);
    } else if (broken.has('failed runs that do not block their key')) unblock(db, tx, after.row);
    else block(db, tx, after.row);
    return after;
  };
}

/** Another run that blocks the key stays the one that does, also where that is not committed yet. */
function block(db: ModelDatabase, tx: Transaction, run: RunRow): void {
  const key = blockKeyOf(run);
  if (key === null || db.keyBlock.get(key, tx) !== null || !db.keyBlock.lock(key, tx, 'write')) return;
  db.keyBlock.write(key, tx, { tenantId: run.tenantId, run: run.id });
}

function unblock(db: ModelDatabase, tx: Transaction, run: RunRow): void {
  const key = blockKeyOf(run);
  if (key === null || db.keyBlock.get(key, tx)?.run !== run.id) return;
  if (!db.keyBlock.lock(key, tx, 'write'))
    throw new Error(`expected no one else to unblock ${key} meanwhile`);
  db.keyBlock.write(key, tx, null);
}

/** What blocks the key, and no other; or the first that is due. */
function pickInOrder({ db, broken }: Scene, { tenantId, lane, runs, nowMs, aheadMs }: LaneToPick): RunRow[] {
  const [, jobType = '', ...rest] = lane.split('/');
  const key = blockKeyOf({ tenantId, jobType, concurrencyKey: rest.join('/') });
  const blocking = key === null ? null : db.keyBlock.get(key);
  if (blocking !== null && !broken.has('claims that ignore what blocks a key'))
    return runs.filter(({ id, runAtMs }) => id === blocking.run && runAtMs <= nowMs + aheadMs);
  const untilMs = broken.has('claims in order that are ahead of time') ? nowMs + aheadMs : nowMs;
  return runs
    .filter(({ runAtMs }) => runAtMs <= untilMs)
    .toSorted(byRank)
    .slice(0, 1);
}

function unblockKey({ db, tx, params, broken }: Scene): ReturnType<Meaning['run']> {
  const [tenantId, run] = params as [string, string];
  const row = db.run.get(run, tx) ?? db.history.get(run, tx)?.row ?? null;
  const key = row === null ? null : blockKeyOf(row);
  const blocking = key === null ? null : db.keyBlock.get(key, tx);
  if (key === null || blocking?.tenantId !== tenantId) return answer();
  if (blocking.run !== run && !broken.has('keys that are unblocked for another run')) return answer();
  if (!db.keyBlock.lock(key, tx, 'write')) return BLOCKED;
  const isOver =
    db.run.get(blocking.run, tx) === null || broken.has('keys that are unblocked before their run is over');
  if (isOver) db.keyBlock.write(key, tx, null);
  tx.acts.push({ kind: 'unblocked', run });
  return answer([{ isOver }]);
}
