// What does the statement that claims mean?
import { laneOf, type RunRow } from '../model-database.js';
import { answer, at, listed, type Meaning, type Scene } from './meaning.js';

export function claimRuns(scene: Scene): ReturnType<Meaning['run']> {
  const { db, tx, params, server, broken } = scene;
  const [claimId, replica] = params.slice(-2) as [string, number];
  const nowMs = server.wallMs();
  const numbered = pickRuns(scene, replica, nowMs);
  const picked = numbered.map(({ run }) => run);
  if (picked.length > 0) {
    db.claim.lock(claimId, tx, 'write');
    db.claim.write(claimId, tx, {
      id: claimId,
      replica,
      runs: picked.map(({ id }) => id),
      claimedAtMs: nowMs,
    });
    tx.acts.push({ kind: 'claim', replica, claim: claimId, runs: picked });
    for (const run of picked) server.invariants.noteClaimed(replica, run, nowMs);
  }
  const early = broken.has('starts before run_at');
  const isUntold = broken.has('claims that do not tell of cancels and deadlines');
  return answer(
    numbered.map(({ run, number }) => {
      const told = isUntold ? { ...run, deadlineMs: null, cancelRequestedAtMs: null } : run;
      return { number, ...claimed(told, early ? run.runAtMs : nowMs) };
    }),
  );
}

function pickRuns(
  { db, params, broken }: Scene,
  replica: number,
  nowMs: number,
): { run: RunRow; number: number }[] {
  const anyEpoch = broken.has('claims without the epoch of their slot');
  const [slots, tenants, lanes, quotas, epochs, marks, , ahead, excluded] = params as [
    string,
    string,
    string[],
    string,
    string,
    string,
    number,
    number,
    string,
  ];
  const [tenantOf, quotaOf, epochOf, markOf] = [tenants, quotas, epochs, marks].map(listed);
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
    const ready = runs.filter(
      (run) =>
        run.slot === slot &&
        run.tenantId === tenantOf?.[index] &&
        laneOf(run) === lanes[index] &&
        isBeyond(run, markOf?.[index]) &&
        run.runAtMs <= nowMs + ahead * 1_000 &&
        !left.has(run.id),
    );
    return ready
      .toSorted(byRank)
      .slice(0, Number(quotaOf?.[index]))
      .map((run) => ({ run, number: index + 1 }));
  });
}

/** A step of priority is worth a minute of waiting. */
function byRank(a: RunRow, b: RunRow): number {
  return rankOf(a) - rankOf(b) || (a.id < b.id ? -1 : 1);
}

function rankOf({ runAtMs, priority }: RunRow): number {
  return runAtMs - priority * 60_000;
}

function claimed(run: RunRow, nowMs: number): object {
  const { schedule, dueMs, runAtMs, deadlineMs, cancelRequestedAtMs, ...columns } = run;
  return {
    ...columns,
    scheduleId: schedule,
    dueAt: dueMs === null ? null : at(dueMs),
    runAtMs,
    deadline: deadlineMs === null ? null : at(deadlineMs),
    details: null,
    isCancelRequested: cancelRequestedAtMs !== null,
    databaseTimeMs: nowMs,
  };
}

/** An owner that has emptied the lane up to this rank begins there. */
export function isBeyond(run: RunRow, mark: string | undefined): boolean {
  return mark === undefined || mark === '-infinity' || rankOf(run) >= Date.parse(mark);
}
