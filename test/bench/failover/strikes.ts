// What is done to the cluster, and what is observed? One strike of each kind, and the times it took; the clock starts
// with the harness's own act and stops when the tables show the repair.
import { setTimeout as rest } from 'node:timers/promises';
import { LIVENESS_LOCK } from '#database/advisory-locks.js';
import type { Seat } from '../../chaos/cluster.js';
import { made, rolesOf, timeUntil, type Bed } from './bed.js';

/** A repair that takes longer than this is none. */
const WAIT_MS = 30_000;
const LEAVE_LIMIT_MS = 30_000;
/** Fires due around a strike are its own. */
const AROUND = { beforeMs: 500, afterMs: 3_000 };

export interface Observed {
  /** Milliseconds, by what was waited for; missing if it never came. */
  readonly times: Readonly<Record<string, number | undefined>>;
  /** Of every fire that was due around the strike. */
  readonly latenessMs: readonly number[];
  /** Replicas declared dead that had not died. */
  readonly falseDeaths: number;
  /** Attempts that were counted as lost. */
  readonly lostAttempts: number;
  /** Due times around the strike that did not fire, and fires that were done more than once. */
  readonly brokenFires: number;
}

const NEW_TERM = `select replica is not null and replica <> $1 from carillon.leadership`;
const SLOTS_OWNED = `
  select count(*) = 0 from carillon.slot_owner s
    left join carillon.replica r on r.number = s.owner and r.state = 'active'
   where s.owner = $1 or r.number is null`;
const RUN_RESTARTED = `select exists (select 1 from carillon.cluster_event where replica = $1 and type = 'run-restarted')`;

export async function killLeader(bed: Bed): Promise<Observed> {
  const { leader } = await rolesOf(bed);
  return killAndWatch(bed, leader, {
    newTerm: NEW_TERM,
    slotsOwned: SLOTS_OWNED,
    runRestarted: RUN_RESTARTED,
  });
}

export async function killOwner(bed: Bed): Promise<Observed> {
  const { others } = await rolesOf(bed);
  return killAndWatch(bed, pick(others), { slotsOwned: SLOTS_OWNED, runRestarted: RUN_RESTARTED });
}

async function killAndWatch(bed: Bed, seat: Seat, query: Record<string, string>): Promise<Observed> {
  const { cluster } = bed;
  const number = await cluster.numberOf(seat);
  return observe(bed, { mayDie: number }, async () => {
    await giveWork(bed, { seat, number });
    const sinceMs = performance.now();
    seat.process?.child.kill('SIGKILL');
    const times = await timeUntil(bed, { sinceMs, query, values: [number], limitMs: WAIT_MS });
    await cluster.kill(seat); // only tells the seat that it is empty
    await rest(AROUND.afterMs);
    await cluster.occupy(seat);
    return times;
  });
}

export const freezeLeader = async (bed: Bed): Promise<Observed> => freeze(bed, (await rolesOf(bed)).leader);
export const freezeOwner = async (bed: Bed): Promise<Observed> =>
  freeze(bed, pick((await rolesOf(bed)).others));

async function freeze(bed: Bed, seat: Seat): Promise<Observed> {
  const number = await bed.cluster.numberOf(seat);
  return observe(bed, { mayDie: number }, async () => {
    await giveWork(bed, { seat, number });
    const sinceMs = performance.now();
    seat.process?.child.kill('SIGSTOP');
    try {
      return await timeUntil(bed, {
        sinceMs,
        query: { slotsOwned: SLOTS_OWNED, runRestarted: RUN_RESTARTED },
        values: [number],
        limitMs: WAIT_MS,
      });
    } finally {
      await rest(1_000);
      seat.process?.child.kill('SIGCONT');
    }
  });
}

/** Nothing may come of it but a new term, if the leader is struck. */
export async function endControlSession(bed: Bed): Promise<Observed> {
  const { leader, others } = await rolesOf(bed);
  const seat = pick([leader, ...others]);
  const number = await bed.cluster.numberOf(seat);
  return observe(bed, { mayDie: null }, async () => {
    const sinceMs = performance.now();
    await bed.witness.ask(
      `select pg_terminate_backend(a.pid) from pg_stat_activity a join pg_locks l using (pid)
        where a.application_name = $1 and l.locktype = 'advisory' and l.classid = ${LIVENESS_LOCK}::oid`,
      [`carillon:${number}`],
    );
    // Each strike comes later than this after the one before it.
    const resumed = `select exists (select 1 from carillon.cluster_event where replica = $1 and type = 'replica-resumed' and at > clock_timestamp() - interval '3 seconds')`;
    const times = await timeUntil(bed, { sinceMs, query: { resumed }, values: [number], limitMs: WAIT_MS });
    await rest(AROUND.afterMs);
    return times;
  });
}

export async function restartAll(bed: Bed): Promise<Observed> {
  const { cluster } = bed;
  return observe(bed, { mayDie: null }, async () => {
    for (const seat of cluster.seats) {
      const code = await cluster.dismiss(seat, LEAVE_LIMIT_MS);
      if (code !== 0) throw new Error(`expected ${seat.name} to end with 0 after SIGTERM, got ${code}`);
      await cluster.occupy(seat);
      await cluster.untilSettled();
    }
    return {};
  });
}

const OVERDUE = `select not exists (select 1 from carillon.run where run_at < clock_timestamp() - interval '250 milliseconds')`;
const EVERYBODY_BEATS = `
  select bool_and(h.server_started_at = greatest(pg_postmaster_start_time(), pg_stat_get_bgwriter_stat_reset_time()))
    from carillon.replica r join carillon.heartbeat h on h.replica = r.number where r.state in ('active', 'draining')`;
const SOMEBODY_LEADS = `
  select elected_at > pg_postmaster_start_time() and exists (select 1 from carillon.replica r where r.number = l.replica and r.state = 'active')
    from carillon.leadership l`;

/** The clock starts as the server takes connections again. */
export async function restartDatabase(bed: Bed, { downMs }: { downMs: number }): Promise<Observed> {
  return observe(bed, { mayDie: null }, async () => {
    await bed.server.restart('immediate', { downMs });
    const sinceMs = performance.now();
    const query = { everybodyBeats: EVERYBODY_BEATS, somebodyLeads: SOMEBODY_LEADS, nothingOverdue: OVERDUE };
    const times = await timeUntil(bed, { sinceMs, query, values: [], limitMs: WAIT_MS });
    // All of it at the same time: overdue work can only be seen once it is done.
    const resumed = Math.max(
      ...Object.keys(query).map((key) => times[key as keyof typeof query] ?? Number.POSITIVE_INFINITY),
    );
    return { ...times, resumed };
  });
}

export async function blockEventLoop(bed: Bed): Promise<Observed> {
  const { leader, others } = await rolesOf(bed);
  const [seat, asked] = Math.random() < 0.5 ? [leader, pick(others)] : [pick(others), leader];
  const tenant = await tenantOf(bed, await bed.cluster.numberOf(seat));
  return observe(bed, { mayDie: null }, async () => {
    await made(bed.cluster, asked, {
      path: `/api/v1/tenants/${tenant}/runs`,
      body: { jobType: 'block', payload: { ms: 3_000 } },
    });
    await rest(3_000 + AROUND.afterMs);
    return {};
  });
}

/** Some runs that will be under way, so that something is lost. */
async function giveWork(bed: Bed, { seat, number }: { seat: Seat; number: number | null }): Promise<void> {
  const tenant = await tenantOf(bed, number);
  for (let run = 0; run < 3; run += 1) {
    await made(bed.cluster, seat, {
      path: `/api/v1/tenants/${tenant}/runs`,
      body: { jobType: 'sleep', payload: { ms: 2_000 } },
    });
  }
  await rest(300);
}

async function tenantOf({ witness }: Bed, number: number | null): Promise<string> {
  const { name } = await witness.askOne<{ name: string }>(
    'select t.name from carillon.tenant t join carillon.slot_owner o using (slot) where o.owner = $1 order by random() limit 1',
    [number],
  );
  return name;
}

async function observe(
  bed: Bed,
  { mayDie }: { mayDie: number | null },
  strike: () => Promise<Record<string, number | undefined>>,
): Promise<Observed> {
  const { witness } = bed;
  const { fromAt } = await witness.askOne<{ fromAt: Date }>('select clock_timestamp() as "fromAt"');
  const times = await strike();
  await bed.cluster.untilSettled();
  await rest(AROUND.afterMs);
  const seen = await witness.askOne<{ rows: number[]; deaths: number; lost: number; broken: number }>(
    `select (select coalesce(array_agg((extract(epoch from coalesce(started_at, clock_timestamp()) - due_at) * 1000)::float8), '{}') from carillon.fire
              where due_at between $1::timestamptz - make_interval(secs => $3) and clock_timestamp() - interval '1 second') as rows,
            (select count(*)::int from carillon.cluster_event where type = 'replica-dead' and at >= $1 and replica is distinct from $2) as deaths,
            (select count(*)::int from carillon.run_history h, jsonb_array_elements(coalesce(h.past_attempts, '[]')) a
              where h.finished_at >= $1 and a->>'outcome' = 'lost' and (a->>'finishedAt')::timestamptz >= $1) as lost,
            (select coalesce(sum(seconds - fired + again), 0)::int from
              (select round(extract(epoch from max(f.due_at) - min(f.due_at))) + 1 as seconds,
                      count(*) filter (where f.outcome in ('fired', 'late')) as fired, count(*) filter (where h.attempt > 1) as again
                 from carillon.fire f left join carillon.run_history h on h.id = f.run_id
                where f.due_at between $1 and clock_timestamp() - interval '2 seconds' group by f.schedule_id) as schedule) as broken`,
    [fromAt, mayDie, AROUND.beforeMs / 1_000],
  );
  const { rows, deaths, lost, broken } = seen;
  return { times, latenessMs: rows, falseDeaths: deaths, lostAttempts: lost, brokenFires: broken };
}

function pick<Item>(items: readonly Item[]): Item {
  const item = items[Math.floor(Math.random() * items.length)];
  if (item === undefined) throw new Error('expected something to pick from, got nothing');
  return item;
}
