// What do statements that take work in, find it, claim it and give it back mean?
import { NOT_TRIED, type RunRow } from '../model-database.js';
import { answer, at, BLOCKED, changed, msOf, type Meaning, type Scene } from './meaning.js';

export const EXECUTION_STATEMENTS: readonly Meaning[] = [
  {
    name: 'insertRun',
    says: ['insert into carillon.run (id, tenant_id, slot, job_type, payload, priority, run_at) values'],
    texts: ['1fwkisx'],
    run: insertRun,
  },
  {
    name: 'discoverLanes',
    says: ['with recursive tenant as ( (select tenant_id from carillon.run where slot = s.slot'],
    texts: ['1stzkea'],
    run: ({ db, params }) => {
      const slots = new Set(params[0] as number[]);
      const lanes = new Map<string, object>();
      for (const { slot, tenantId } of db.run.rows())
        if (slots.has(slot)) lanes.set(tenantId, { slot, tenantId });
      return answer([...lanes.values()]);
    },
  },
  {
    name: 'claimRuns',
    says: ['with lane as materialized', 'insert into carillon.claim'],
    texts: ['13gh15s', '120i96a', '1ei5a84'],
    run: claimRuns,
  },
  {
    name: 'foreignRuns',
    says: ['select r.slot, r.id from carillon.claim c', 'where c.replica <> $1'],
    texts: ['1jqevew'],
    run: ({ db, params, broken }) => {
      const [replica, slots] = params as [number, number[]];
      if (broken.has('claims that do not leave out foreign runs')) return answer();
      const runs = db.claim
        .rows()
        .filter((claim) => claim.replica !== replica)
        .flatMap((claim) => claim.runs);
      const rows = runs.map((id) => db.run.get(id)).filter((run) => run !== null && slots.includes(run.slot));
      return answer(rows.map((run) => ({ slot: run?.slot, id: run?.id })));
    },
  },
  {
    name: 'listOldClaims',
    says: ['select id from carillon.claim where replica = $1 and claimed_at <'],
    texts: ['14lguyk'],
    run: ({ db, params, server, broken }) => {
      const [replica, olderThan] = params as [number, number];
      if (broken.has('lost claims are not reconciled')) return answer();
      const before = server.wallMs() - olderThan * 1_000;
      return answer(
        db.claim
          .rows()
          .filter((claim) => claim.replica === replica && claim.claimedAtMs < before)
          .map(({ id }) => ({ id })),
      );
    },
  },
  {
    name: 'dropClaims',
    says: ['delete from carillon.claim where replica = $1 and id = any($2::uuid[])'],
    texts: ['3yu2iq'],
    run: ({ db, tx, params }) => {
      const [replica, ids] = params as [number, string[]];
      const dropped = ids.filter((id) => db.claim.get(id, tx)?.replica === replica);
      if (!db.claim.lockAll(dropped, tx)) return BLOCKED;
      for (const id of dropped) db.claim.write(id, tx, null);
      return changed(dropped.length, 'DELETE');
    },
  },
  {
    name: 'markStarted',
    says: ['update carillon.run set started_by = $1'],
    texts: ['vxr4mt'],
    run: ({ db, tx, params }) => {
      const [startedBy, ids] = params as [number, string[]];
      const there = ids.filter((id) => db.run.get(id, tx) !== null);
      if (!db.run.lockAll(there, tx)) return BLOCKED;
      for (const id of there) {
        const row = db.run.get(id, tx);
        if (row !== null) db.run.write(id, tx, { ...row, startedBy });
      }
      return changed(there.length);
    },
  },
  {
    name: 'noteRestarts',
    says: ["insert into carillon.cluster_event (type, replica, data) select 'run-restarted'"],
    texts: ['1d8cap'],
    run: () => changed(0, 'INSERT'),
  },
  {
    name: 'findJobType',
    says: ['from carillon.job_type where name = $1'],
    texts: ['tz2kze'],
    run: ({ params }) => {
      const stored = {
        tenantId: null,
        shared: true,
        payloadSchema: null,
        revision: 1,
        createdAt: at(0),
        updatedAt: at(0),
        timeoutMs: 10_000,
      };
      const retry = { maxAttempts: 3, kind: 'fixed', minMs: 200, maxMs: 200, jitter: 0 };
      return answer([{ ...stored, name: params[0], target: { kind: 'handler', handler: params[0] }, retry }]);
    },
  },
];

function insertRun({ db, tx, params, server }: Scene): ReturnType<Meaning['run']> {
  const [id, tenantId, slot, jobType, payload, priority, runAt] = params as [
    string,
    string,
    number,
    string,
    string,
    number,
    Date | null,
  ];
  db.run.lock(id, tx, 'write');
  db.run.write(id, tx, {
    ...NOT_TRIED,
    id,
    tenantId,
    slot,
    jobType,
    priority,
    payload: JSON.parse(payload) as unknown,
    schedule: null,
    dueMs: null,
    runAtMs: runAt === null ? server.wallMs() : msOf(runAt),
  });
  return changed(1, 'INSERT');
}

function claimRuns(scene: Scene): ReturnType<Meaning['run']> {
  const { db, tx, params, server, broken } = scene;
  const claimId = params.at(-1) as string;
  const replica = params.at(-2) as number;
  const nowMs = server.wallMs();
  const picked = pickRuns(scene, replica, nowMs);
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
  return answer(picked.map((run) => claimed(run, claimId, early ? run.runAtMs : nowMs)));
}

function pickRuns({ db, params, text, broken }: Scene, replica: number, nowMs: number): RunRow[] {
  const carriesEpoch = text.includes('l.epoch');
  const anyEpoch = !carriesEpoch || broken.has('claims without the epoch of their slot');
  const [slots, tenants, quotas, epochs] = params as [number[], string[], number[], number[]];
  const [ahead, excluded] = params.slice(carriesEpoch ? 5 : 4) as [number, string[]];
  const runs = db.run.rows();
  const left = new Set(excluded);
  return slots.flatMap((slot, index) => {
    const row = db.slot.get(slot);
    if (row?.owner !== replica || row.target !== null || (!anyEpoch && row.epoch !== epochs[index]))
      return [];
    const ready = runs.filter(
      (run) =>
        run.slot === slot &&
        run.tenantId === tenants[index] &&
        run.runAtMs <= nowMs + ahead * 1_000 &&
        !left.has(run.id),
    );
    return ready.toSorted(byTurn).slice(0, quotas[index]);
  });
}

function byTurn(a: RunRow, b: RunRow): number {
  return b.priority - a.priority || a.runAtMs - b.runAtMs || (a.id < b.id ? -1 : 1);
}

function claimed(run: RunRow, claimId: string, nowMs: number): object {
  const { id, tenantId, slot, jobType, schedule, dueMs, payload, runAtMs, attempt, failures, losses } = run;
  return {
    id,
    claimId,
    tenantId,
    slot,
    jobType,
    scheduleId: schedule,
    dueAt: dueMs === null ? null : at(dueMs),
    payload,
    runAt: at(runAtMs),
    attempt,
    failures,
    losses,
    databaseTime: at(nowMs),
  };
}
