// What does the statement that inserts runs and claims them mean? It is a function of several statements (migrations/0044):
// the first takes the gate and reads liveness behind it, and the last writes and commits. Time passes before each.
import { REPLICA_GATE } from '#database/advisory-locks.js';
import { laneOf, NOT_TRIED, queueKey, rankOf, type RunRow } from '../model-database.js';
import { tryShareGate, type Transaction } from '../transaction.js';
import { isBeyond } from './claims.js';
import { answer, at, BLOCKED, listed, msOf, type Meaning, type Scene } from './meaning.js';

export const TAKING_IN_STATEMENTS: readonly Meaning[] = [
  { name: 'takeIn', says: ['from carillon.take_in('], run: takeIn },
];

type Params = [
  number,
  string,
  string,
  string,
  string,
  string,
  string,
  string[],
  string[],
  string[],
  (string | null)[],
  unknown,
  string[],
  (Date | null)[],
  string,
  string,
];

/** Where the function has come to. */
const SENT = 1;
const ALIVE = 2;

const mayClaimIn = new WeakMap<Transaction, boolean>();

function takeIn(scene: Scene): ReturnType<Meaning['run']> {
  const { server, tx } = scene;
  if (!server.hasComeTo(SENT, tx)) return BLOCKED;
  if (tx.step < ALIVE) mayClaimIn.set(tx, mayClaim(scene));
  if (!server.hasComeTo(ALIVE, tx)) return BLOCKED;
  return write(scene, mayClaimIn.get(tx) === true);
}

function mayClaim({ db, server, tx, params, broken }: Scene): boolean {
  const [replica, incarnation] = params as Params;
  const isWithout = broken.has('runs that enter without the gate');
  const isOpen = isWithout || tryShareGate(server.locks.gate(REPLICA_GATE, replica), tx);
  const row = db.replica.get(replica);
  return isOpen && row?.incarnation === incarnation && row.state === 'active';
}

function write(scene: Scene, isOpen: boolean): ReturnType<Meaning['run']> {
  const { db, tx, server, params } = scene;
  const [replica, , claimId] = params as Params;
  const nowMs = server.wallMs();
  const rows = rowsOf(scene, nowMs);
  const marks = listed((params as Params)[14]);
  const entered = isOpen
    ? rows.filter((row, index) => mayEnter(scene, { row, index, mark: marks[index] }))
    : [];
  for (const row of rows) {
    db.run.lock(row.id, tx, 'write');
    db.run.write(row.id, tx, row);
    tx.acts.push({ kind: 'queued', run: row.id });
  }
  if (entered.length > 0) {
    db.claim.lock(claimId, tx, 'write');
    db.claim.write(claimId, tx, {
      id: claimId,
      replica,
      runs: entered.map(({ id }) => id),
      claimedAtMs: nowMs,
    });
    tx.acts.push({ kind: 'claim', replica, claim: claimId, runs: entered });
    tx.acts.push({ kind: 'entered', runs: entered.map(({ id }) => id), atMs: nowMs });
    for (const row of entered) server.invariants.noteClaimed(replica, row, nowMs);
  }
  return answer(rows.map((row) => shown(row, entered.includes(row))));
}

function rowsOf({ params }: Scene, nowMs: number): RunRow[] {
  const [, , , ids, tenants, slots, , jobTypes, , queues, keys, , payloads, deadlines] = params as Params;
  const [tenantOf, slotOf] = [listed(tenants), listed(slots)];
  return listed(ids).map((id, index) => {
    const deadline = deadlines[index] ?? null;
    return {
      ...NOT_TRIED,
      id,
      tenantId: tenantOf[index] ?? '',
      slot: Number(slotOf[index]),
      jobType: jobTypes[index] ?? '',
      queue: queues[index] ?? '',
      concurrencyKey: keys[index] ?? null,
      priority: 0,
      payload: JSON.parse(payloads[index] ?? 'null') as unknown,
      schedule: null,
      dueMs: null,
      deadlineMs: deadline === null ? null : msOf(deadline),
      runAtMs: nowMs,
    };
  });
}

function mayEnter(
  { db, params, broken }: Scene,
  { row, index, mark }: { row: RunRow; index: number; mark: string | undefined },
): boolean {
  const [replica, , , , , , epochs] = params as Params;
  const slot = db.slot.get(row.slot);
  const isOwned =
    slot?.owner === replica && slot.epoch === Number(listed(epochs)[index]) && slot.target === null;
  if (!isOwned && !broken.has('runs that enter without owner and epoch of their slot')) return false;
  if (db.queue.get(queueKey(row.tenantId, row.queue))?.isPaused === true) return false;
  if (broken.has('runs that enter although others of their lane wait')) return true;
  const inHand = new Set(listed((params as Params)[15]));
  return !db.run
    .rows()
    .some(
      (other) =>
        other.slot === row.slot &&
        other.tenantId === row.tenantId &&
        laneOf(other) === laneOf(row) &&
        isBeyond(other, mark) &&
        rankOf(other) <= row.runAtMs &&
        other.runAtMs <= row.runAtMs &&
        !inHand.has(other.id),
    );
}

function shown(
  { id, jobType, queue, concurrencyKey, priority, payload, attempt, ...row }: RunRow,
  isClaimed: boolean,
) {
  const deadline = row.deadlineMs === null ? null : at(row.deadlineMs);
  const shownColumns = { id, jobType, queue, concurrencyKey, priority, payload, attempt, deadline };
  return { ...shownColumns, isClaimed, state: 'queued', runAt: at(row.runAtMs) };
}
