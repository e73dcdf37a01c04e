// What do statements that take work in, find it, claim it and give it back mean?
import type { StoredJobType } from '#execution/job-types/job-type.repository.js';
import { laneOf, NOT_TRIED, queueKey, type ModelDatabase, type RunRow } from '../model-database.js';
import { claimRuns, isBeyond } from './claims.js';
import { answer, at, BLOCKED, changed, msOf, zipped, type Meaning, type Scene, listed } from './meaning.js';

export const EXECUTION_STATEMENTS: readonly Meaning[] = [
  {
    name: 'insertRun',
    says: ['insert into carillon.run (id, tenant_id, slot, job_type, queue, concurrency_key, tags, payload'],
    run: insertRun,
  },
  {
    name: 'discoverLanes',
    says: ['with recursive skipped as ( (select tenant_id, lane from carillon.run where slot = s.slot'],
    run: discoverLanes,
  },
  {
    name: 'claimRuns',
    says: ['with lane as materialized', 'insert into carillon.claim'],
    run: (scene) => claimRuns(scene),
  },
  {
    // No beat of the model notes an outage: what was planned before one runs late.
    name: 'findPassed',
    says: ['from carillon.outage where from_at < a.run_at'],
    run: () => answer(),
  },
  {
    name: 'runsElsewhere',
    says: ['select r.slot, r.id, r.tenant_id as "tenantId"', 'where c.replica <> $1'],
    run: ({ db, params, broken }) => {
      const [replica, slots] = params as [number, number[]];
      if (broken.has('claims that do not leave out runs elsewhere')) return answer();
      const runs = db.claim
        .rows()
        .filter((claim) => claim.replica !== replica)
        .flatMap((claim) => claim.runs)
        .map((id) => db.run.get(id))
        .filter((run) => run !== null && slots.includes(run.slot));
      return answer(runs.filter((run) => run !== null).map(elsewhere));
    },
  },
  {
    name: 'listOldClaims',
    says: ['select id from carillon.claim where replica = $1 and claimed_at <'],
    run: ({ db, params, server, broken }) => {
      const [replica, olderThan] = params as [number, number];
      if (broken.has('stray claims are not dropped')) return answer();
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
    run: ({ db, tx, params }) => {
      const [replica, ids] = params as [number, string[]];
      const dropped = ids.filter((id) => db.claim.get(id, tx)?.replica === replica);
      if (!db.claim.lockAll(dropped, tx)) return BLOCKED;
      for (const id of dropped) db.claim.write(id, tx, null);
      return changed(dropped.length, 'DELETE');
    },
  },
  {
    name: 'recordSuspectStarts',
    says: ['update carillon.run set started_by = $1'],
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
    name: 'noteRecovery',
    says: ["insert into carillon.cluster_event (type, replica, data) select 'run-restarted'"],
    run: () => changed(0, 'INSERT'),
  },
  {
    name: 'showRunning',
    says: ['update carillon.claim set started = coalesce(started,'],
    run: ({ db, tx, params }) => {
      const [, id, replica] = params as [string, string, number];
      if (db.claim.get(id, tx)?.replica !== replica) return changed(0);
      // What it writes is only for people; that it takes the row is what others may have to wait for.
      return db.claim.lock(id, tx, 'write') ? changed(1) : BLOCKED;
    },
  },
  {
    name: 'findJobTypes',
    says: ['as asked (tenant, job_type, number) left join lateral ( select name, target'],
    run: ({ db, params }) =>
      answer((params[1] as string[]).map((name) => ({ tenant: 'tenant', ...storedJobType(db, name) }))),
  },
];

/**
 * Each of the row's fields: one that is missing is undefined where the product has null, and an attempt that waits for
 * it never ends.
 */
export function storedJobType(db: ModelDatabase, name: string): StoredJobType {
  return {
    name,
    target: { kind: 'handler', handler: 'work' },
    retry: { maxAttempts: 3, kind: 'fixed', minMs: 200, maxMs: 200, jitter: 0 },
    limits: db.jobType.get(name)?.limits ?? {},
    shared: true,
    allowedNames: null,
    payloadSchema: null,
    outputSchema: null,
    heartbeatMs: null,
    locks: db.jobType.get(name)?.locks?.slice() ?? null,
    keyDefaults: null,
    pausedAt: null,
    pauseReason: null,
    revision: 1,
    createdAt: at(0),
    updatedAt: at(0),
    timeoutMs: 10_000,
  };
}

function insertRun({ db, tx, params, server }: Scene): ReturnType<Meaning['run']> {
  const runs = zipped(...params) as [
    string,
    string,
    number,
    string,
    string,
    string | null,
    unknown,
    string,
    number,
    Date | null,
    Date | null,
    number,
  ][];
  for (const run of runs) {
    const [id, tenantId, slot, jobType, queue, concurrencyKey, , payload, priority, deadline, runAt] = run;
    const delayMs = run[11];
    db.run.lock(id, tx, 'write');
    db.run.write(id, tx, {
      ...NOT_TRIED,
      id,
      tenantId,
      slot,
      jobType,
      queue,
      concurrencyKey,
      priority,
      payload: JSON.parse(payload) as unknown,
      schedule: null,
      dueMs: null,
      deadlineMs: deadline === null ? null : msOf(deadline),
      runAtMs: runAt === null ? server.wallMs() + delayMs : msOf(runAt),
    });
    tx.acts.push({ kind: 'queued', run: id });
  }
  return changed(runs.length, 'INSERT');
}

/** Each lane that holds a run, behind the one where the last look ended, with what holds in it. */
function discoverLanes({ db, params }: Scene): ReturnType<Meaning['run']> {
  // The first and the last tenant of all stand in the statement.
  const [, , slots, tenants, lanes, endTenants, endLanes, limit, ...marked] = params as [
    string,
    string,
    string,
    string,
    (string | null)[],
    string,
    (string | null)[],
    number,
    number[],
    string[],
    string[],
    string[],
  ];
  const beyondMarks = zipped(...marked) as [number, string, string, string][];
  return answer([
    ...listed(slots).flatMap((listedSlot, index) => {
      const [afterTenant, afterLane] = [endOf(tenants, index) ?? '', lanes[index] ?? ''];
      const [endTenant, endLane] = [endOf(endTenants, index), endLanes[index] ?? ''];
      return lanesIn(db, { slot: Number(listedSlot), limit }, (tenantId, lane) => {
        const isBehind = tenantId > afterTenant || (tenantId === afterTenant && lane > afterLane);
        return (
          isBehind &&
          (endTenant === null || tenantId < endTenant || (tenantId === endTenant && lane < endLane))
        );
      });
    }),
    ...beyondMarks
      .filter(([slot, tenantId, lane, mark]) =>
        db.run
          .rows()
          .some(
            (run) =>
              run.slot === slot && run.tenantId === tenantId && laneOf(run) === lane && isBeyond(run, mark),
          ),
      )
      .map(([slot, tenantId, lane]) => ({ slot, tenantId, lane, ...rulesOf(db, tenantId, lane) })),
  ]);
}

/** The lanes that hold any run of the slot, in their order, each with its rules. */
export function lanesIn(
  db: ModelDatabase,
  { slot, limit }: { slot: number; limit: number },
  isWithin: (tenantId: string, lane: string) => boolean = () => true,
): FoundLane[] {
  const found = new Map<string, { tenantId: string; lane: string }>();
  for (const run of db.run.rows()) {
    const { tenantId } = run;
    const lane = laneOf(run);
    if (run.slot === slot && isWithin(tenantId, lane)) found.set(`${tenantId} ${lane}`, { tenantId, lane });
  }
  const inOrder = [...found].toSorted(([a], [b]) => (a < b ? -1 : 1)).slice(0, limit);
  return inOrder.map(([, { tenantId, lane }]) => ({ slot, tenantId, lane, ...rulesOf(db, tenantId, lane) }));
}

function endOf(tenants: string, index: number): string | null {
  const tenant = listed(tenants)[index] ?? 'NULL';
  return tenant === 'NULL' ? null : tenant;
}

interface FoundLane extends Rules {
  slot: number;
  tenantId: string;
  lane: string;
}

interface Rules {
  weight: number | null;
  paused: boolean;
  tenant: object | null;
  jobType: object | null;
  locks: object | null;
}

function rulesOf(db: ModelDatabase, tenantId: string, lane: string): Rules {
  const [queue = '', jobType = ''] = lane.split('/');
  const tenant = db.tenant.get(tenantId);
  const orNull = (limits: object = {}): object | null => (Object.keys(limits).length === 0 ? null : limits);
  return {
    weight: tenant?.weight ?? null,
    paused: db.queue.get(queueKey(tenantId, queue))?.isPaused ?? false,
    tenant: orNull(tenant?.limits),
    jobType: orNull(db.jobType.get(jobType)?.limits),
    locks: db.jobType.get(jobType)?.locks ?? null,
  };
}

function elsewhere({ slot, id, tenantId, jobType, concurrencyKey }: RunRow): object {
  return { slot, id, tenantId, jobType, concurrencyKey, isLeased: false };
}
