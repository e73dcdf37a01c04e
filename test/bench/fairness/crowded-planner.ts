// I9 for due times: how late do the schedules of tenants with a few start, without and with one tenant that crowds the
// planner? The crowd has as many schedules of each second as a tenant may have, and a backlog of them, as after an
// outage: no leader can plan it in the time of the measurement. It is left as it is, so this part comes last.
import { setTimeout as rest } from 'node:timers/promises';
import { percentile } from '../../chaos/text-table.js';
import { until } from '../../support/until.js';
import * as bench from './bed.js';
import type { Part } from './part.js';
import { addEachSecondSchedules } from '../../support/each-second-schedules.js';

const FULL = { crowd: 10_000, seconds: 40 };
const QUICK = { crowd: 3_000, seconds: 15 };
const BEHIND_SECONDS = 40;
const TENANTS = Array.from({ length: 10 }, (_, number) => `few-${number}`);
const SCHEDULES_EACH = 3;
const QUIET_SECONDS = 15;
/** Until the tenants' lanes are known. */
const WARM_SECONDS = 3;
/** What has not started this long after the last due time counts as never. */
const NEVER_MS = 20_000;

export const crowdedPlanner: Part = async (bed) => {
  const { crowd: size, seconds } = bed.isQuick ? QUICK : FULL;
  for (const tenant of TENANTS) await bench.addTenant(bed, tenant);
  const crowd = await bench.addTenant(bed, 'crowd');
  await addEachSecondSchedules(bed.witness, {
    state: 'active',
    tenants: TENANTS,
    count: SCHEDULES_EACH,
    behindSeconds: 0,
  });
  await latenessOf(bed, { tenants: TENANTS, seconds: WARM_SECONDS });
  const quiet = await latenessOf(bed, { tenants: TENANTS, seconds: QUIET_SECONDS });
  await addEachSecondSchedules(bed.witness, {
    state: 'active',
    tenants: [crowd],
    count: size,
    behindSeconds: BEHIND_SECONDS,
  });
  const crowded = await latenessOf(bed, { tenants: TENANTS, seconds });
  const beside = `beside ${size.toLocaleString('en')} schedules of each second of another tenant`;
  // Lateness is known to the millisecond, so half of the quiet ones may be 0 late.
  const times = (part: number): number => percentile(crowded, part) / Math.max(1, percentile(quiet, part));
  const inMs = (name: string, what: string, value: number) => ({
    name,
    what,
    value,
    unit: 'ms',
    limit: Number.POSITIVE_INFINITY,
  });
  return [
    inMs('due-p50', 'a due time starts late, nothing else there (p50)', percentile(quiet, 0.5)),
    inMs('due-max', 'a due time starts late, nothing else there (max)', percentile(quiet, 1)),
    inMs('due-crowded-p50', `a due time starts late, ${beside} (p50)`, percentile(crowded, 0.5)),
    inMs('due-crowded-max', `a due time starts late, ${beside} (max)`, percentile(crowded, 1)),
    {
      name: 'crowded-planner-p50',
      what: `as late ${beside} (p50)`,
      value: times(0.5),
      unit: 'times',
      limit: 50,
    },
    {
      name: 'crowded-planner-max',
      what: `as late ${beside} (max)`,
      value: times(1),
      unit: 'times',
      limit: 100,
    },
  ];
};

/** Of all due times of these tenants in so many seconds from now on. One that never started is infinitely late. */
async function latenessOf(
  { witness }: bench.FairnessBed,
  { tenants, seconds }: { tenants: readonly string[]; seconds: number },
): Promise<number[]> {
  // The first of them may have been planned before.
  const { from } = await witness.askOne<{ from: string }>(
    `select date_trunc('milliseconds', clock_timestamp() + interval '1 second')::text as "from"`,
  );
  await rest((seconds + 1) * 1_000);
  const expected = tenants.length * SCHEDULES_EACH * seconds;
  const read = (): Promise<{ lateMs: number }[]> =>
    witness.ask<{ lateMs: number }>(
      `select extract(epoch from h.started_at - h.due_at)::float8 * 1000 as "lateMs"
         from carillon.run_history h join carillon.tenant t on t.id = h.tenant_id
        where t.name = any($1) and h.due_at >= $2::timestamptz and h.due_at < $2::timestamptz + make_interval(secs => $3)`,
      [tenants, from, seconds],
    );
  const allStarted = async (): Promise<boolean> => (await read()).length >= expected;
  await until('all due times have started', allStarted, NEVER_MS).catch(() => undefined);
  const started = (await read()).map(({ lateMs }) => lateMs);
  const never = Array.from(
    { length: Math.max(0, expected - started.length) },
    () => Number.POSITIVE_INFINITY,
  );
  return [...started, ...never];
}
