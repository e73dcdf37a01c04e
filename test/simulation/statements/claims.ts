// What does the statement that claims mean?
import { byRank, laneOf, rankOf, type RunRow } from '../model-database.js';
import { answer, listed, type Meaning, type Scene } from './meaning.js';

const HOUR_MS = 3_600_000;

export function claimRuns(scene: Scene, pick = pickFirst): ReturnType<Meaning['run']> {
  const { params, server } = scene;
  const [claimId, replica] = params.slice(-2) as [string, number];
  const nowMs = server.wallMs();
  const numbered = pickRuns(scene, { replica, nowMs, pick });
  const picked = numbered.map(({ run }) => run);
  noteClaim(scene, { claimId, replica, picked });
  return answer([
    ...numbered.map(({ run, number }) => ({ number, ...toldOf(scene, run) })),
    {
      number: 0,
      id: null,
      payload: null,
      atMs: clockTold(scene),
      scheduleId: null,
      dueAtMs: null,
      nonDefaults: null,
    },
  ]);
}

/** What a claim tells of a run. */
export function toldOf({ broken }: Scene, run: RunRow) {
  const isUntold = broken.has('claims that do not tell of cancels and deadlines');
  return claimed(isUntold ? { ...run, deadlineMs: null, cancelRequestedAtMs: null } : run);
}

/** Told an hour late, the clock makes everything seem due. */
export function clockTold({ server, broken }: Scene): number {
  return server.wallMs() + (broken.has('starts before run_at') ? HOUR_MS : 0);
}

export function noteClaim(
  { db, tx, server }: Scene,
  { claimId, replica, picked }: { claimId: string; replica: number; picked: RunRow[] },
): void {
  if (picked.length === 0) return;
  const nowMs = server.wallMs();
  db.claim.lock(claimId, tx, 'write');
  const runs = picked.map(({ id }) => id);
  db.claim.write(claimId, tx, { id: claimId, replica, runs, claimedAtMs: nowMs });
  tx.acts.push({ kind: 'claim', replica, claim: claimId, runs: picked });
  for (const run of picked) server.invariants.noteClaimed(replica, run, nowMs);
}

/** One lane of a claim. */
export interface LaneToPick {
  tenantId: string;
  lane: string;
  quota: number;
  /** What is in it and is not left out. */
  runs: readonly RunRow[];
  nowMs: number;
  aheadMs: number;
  rank: string | undefined;
  id: string;
}

type Pick = (scene: Scene, lane: LaneToPick) => RunRow[];

function pickRuns(
  scene: Scene,
  { replica, nowMs, pick }: { replica: number; nowMs: number; pick: Pick },
): { run: RunRow; number: number }[] {
  const { db, params, broken } = scene;
  const anyEpoch = broken.has('claims without the epoch of their slot');
  const [slots, tenants, lanes, quotas, epochs, ranks, ids, , ahead, excluded] = params as [
    string,
    string,
    string[],
    string,
    string,
    string,
    string,
    number,
    number,
    string,
  ];
  const [tenantOf, quotaOf, epochOf, rankAt, idAt] = [tenants, quotas, epochs, ranks, ids].map(listed);
  const runs = db.run.rows();
  const left = new Set(listed(excluded));
  return listed(slots).flatMap((listedSlot, index) => {
    const slot = Number(listedSlot);
    const row = db.slot.get(slot);
    if (
      row?.owner !== replica ||
      row.target !== null ||
      (!anyEpoch && row.epoch !== Number(epochOf?.[index]))
    )
      return [];
    const [tenantId = '', lane = ''] = [tenantOf?.[index], lanes[index]];
    const inLane = runs.filter(
      (run) => run.slot === slot && run.tenantId === tenantId && laneOf(run) === lane && !left.has(run.id),
    );
    const picked = pick(scene, {
      tenantId,
      lane,
      quota: Number(quotaOf?.[index]),
      runs: inLane,
      nowMs,
      aheadMs: ahead * 1_000,
      rank: rankAt?.[index],
      id: idAt?.[index] ?? '',
    });
    return picked.map((run) => ({ run, number: index + 1 }));
  });
}

export function pickFirst(_: Scene, { quota, runs, nowMs, aheadMs, rank, id }: LaneToPick): RunRow[] {
  return runs
    .filter((run) => isBehind(run, rank, id) && run.runAtMs <= nowMs + aheadMs)
    .toSorted(byRank)
    .slice(0, quota);
}

function claimed(run: RunRow) {
  const {
    id,
    payload,
    schedule,
    dueMs,
    runAtMs,
    deadlineMs,
    cancelRequestedAtMs,
    holds: _kept,
    ...columns
  } = run;
  const nonDefaults = {
    ...columns,
    deadlineMs,
    details: null,
    isCancelRequested: cancelRequestedAtMs !== null,
  };
  return { id, payload, atMs: runAtMs, scheduleId: schedule, dueAtMs: dueMs, nonDefaults };
}

/** An owner that has emptied the lane up to this rank begins there. */
export function isBeyond(run: RunRow, mark: string | undefined): boolean {
  return mark === undefined || mark === '-infinity' || rankOf(run) >= Date.parse(mark);
}

function isBehind(run: RunRow, rank: string | undefined, id: string): boolean {
  if (rank === undefined || rank === '-infinity') return true;
  const [rankUs, fromUs] = [Math.round(rankOf(run) * 1_000), microsecondsOf(rank)];
  return rankUs > fromUs || (rankUs === fromUs && run.id > id);
}

/** Of an instant of UTC, with or without a zone, to the millisecond or finer. */
function microsecondsOf(instant: string): number {
  const [seconds = '', fraction = ''] = instant.replace('Z', '').split('.');
  return Date.parse(`${seconds}Z`) * 1_000 + Number(fraction.padEnd(6, '0'));
}
