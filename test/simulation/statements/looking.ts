// What does the function mean that looks for lanes and claims from them (migrations/0046)? It takes the gate, reads liveness
// behind it, looks, and claims what its snapshot has shown. Time passes before each.
import { REPLICA_GATE } from '#database/advisory-locks.js';
import { isLive, laneOf, type RunRow } from '../model-database.js';
import { enterGate, type Transaction } from '../transaction.js';
import { clockTold, noteClaim, pickFirst, toldOf } from './claims.js';
import { lanesIn } from './execution.js';
import { answer, BLOCKED, listed, type Meaning, type Scene } from './meaning.js';

export const LOOKING_STATEMENTS: readonly Meaning[] = [
  { name: 'lookAndClaim', says: ['from carillon.look_and_claim('], run: lookAndClaim },
];

type Params = [number, string, string, string, string, string, number, number, number, number, number];

/** Where the function has come to. */
const SENT = 1;
const ALIVE = 2;
const LOOKED = 3;

type Looked = { lane: ReturnType<typeof lanesIn>[number]; picked: RunRow[] | null }[];

const lookedIn = new WeakMap<Transaction, Looked>();

function lookAndClaim(scene: Scene): ReturnType<Meaning['run']> {
  const { server, db, tx, params, broken } = scene;
  const [replica, incarnation] = params as Params;
  if (!server.hasComeTo(SENT, tx)) return BLOCKED;
  if (tx.step < ALIVE) {
    const isWithout = broken.has('looks that claim without the gate');
    if (!isWithout && !enterGate(server.locks.gate(REPLICA_GATE, replica), tx, false)) return BLOCKED;
    const row = db.replica.get(replica, tx);
    if (!isLive(row) || row?.incarnation !== incarnation) return answer();
  }
  if (!server.hasComeTo(ALIVE, tx)) return BLOCKED;
  const looked = lookedIn.get(tx) ?? look(scene);
  lookedIn.set(tx, looked);
  return server.hasComeTo(LOOKED, tx) ? claim(scene, looked) : BLOCKED;
}

/** As its snapshot has it. */
function look(scene: Scene): Looked {
  const { db, params } = scene;
  const [, , , slots, , , lanesFound, lanesClaimed] = params as Params;
  const ours = listed(slots).flatMap((slot, index) =>
    isOwned(scene, Number(slot), index) ? [Number(slot)] : [],
  );
  const found = ours.flatMap((slot) => lanesIn(db, { slot, limit: lanesFound }));
  const isLimited = ({ paused, tenant, jobType, locks }: (typeof found)[number]) =>
    paused || tenant !== null || jobType !== null || locks !== null;
  const open = found
    .filter((lane) => !isLimited(lane) && lane.lane.split('/').length < 3)
    .slice(0, lanesClaimed);
  const picked = new Map(open.map((lane) => [lane, pickFrom(scene, lane)]));
  return found.map((lane) => ({ lane, picked: picked.get(lane) ?? null }));
}

function claim(scene: Scene, looked: Looked): ReturnType<Meaning['run']> {
  const [replica, , claimId] = scene.params as Params;
  noteClaim(scene, { claimId, replica, picked: looked.flatMap(({ picked }) => picked ?? []) });
  const rows = looked.map(({ lane, picked }) => ({
    ...lane,
    runs: picked?.map((run) => asSent(scene, run)) ?? null,
  }));
  return answer([...rows, { lane: null, atMs: clockTold(scene), tookMs: 0 }]);
}

function isOwned({ db, params, broken }: Scene, slot: number, index: number): boolean {
  const [replica, , , , epochs] = params as Params;
  const row = db.slot.get(slot);
  if (row?.owner !== replica || row.target !== null) return false;
  return broken.has('claims without the epoch of their slot') || row.epoch === Number(listed(epochs)[index]);
}

function pickFrom(
  scene: Scene,
  { slot, tenantId, lane }: { slot: number; tenantId: string; lane: string },
): RunRow[] {
  const { db, server, params, broken } = scene;
  const [, , , , , excluded, , , quota, aheadMs] = params as Params;
  const left = new Set(broken.has('looks that claim what is in hand') ? [] : listed(excluded));
  const runs = db.run
    .rows()
    .filter(
      (run) => run.slot === slot && run.tenantId === tenantId && laneOf(run) === lane && !left.has(run.id),
    );
  const nowMs = server.wallMs();
  return pickFirst(scene, { tenantId, lane, quota, runs, nowMs, aheadMs, rank: undefined, id: '' });
}

function asSent(scene: Scene, run: RunRow): unknown[] {
  const { id, payload, atMs, nonDefaults, ...dueTime } = toldOf(scene, run);
  return [id, payload, atMs, { ...nonDefaults, ...dueTime }];
}
