// How late do scheduled runs start? Schedules that are due every second, for a while; and a hundred thousand that are all
// due in the same second, which are planned before it and started within five. What the ledger says counts: the start
// less the due time.
import { setTimeout as rest } from 'node:timers/promises';
import { percentile } from '../../chaos/text-table.js';
import { until } from '../../support/until.js';
import { Carillon } from '../contestants/carillon.js';
import { show, type Figure } from '../figures.js';
import type { Bench, Part } from './part.js';
import { beginTicking, CALM_MS, endTicking, lateMsOf } from './ticking.js';

const REPLICAS = 2;
const TICKING = { quick: 100, full: 500 };
const LOOK_MS = { quick: 6_000, full: 20_000 };
const BURST = 100_000;
const BURST_AFTER_MS = 25_000;
const BURST_LIMIT_MS = 120_000;

export const lateness: Part = async (bench) => {
  const { server, scale, tell } = bench;
  const carillon = await Carillon.open({ databaseUrl: await server.createDatabase('lateness') });
  try {
    await carillon.staff(REPLICAS);
    const ticking = await tick(carillon, bench);
    tell(`lateness: ${ticking.length} fires`);
    const figures: Figure[] = [
      {
        name: 'lateness-p50',
        what: 'lateness: due every second, p50',
        values: [percentile(ticking, 0.5)],
        unit: 'ms',
      },
      {
        name: 'lateness-p99',
        what: 'lateness: due every second, p99',
        values: [percentile(ticking, 0.99)],
        unit: 'ms',
        limit: { atMost: 20 },
      },
    ];
    return scale.isQuick ? figures : [...figures, ...(await burst(carillon, bench))];
  } finally {
    await carillon.close();
  }
};

async function tick({ pool }: Carillon, { scale }: Bench): Promise<number[]> {
  const [schedules, lookMs] = scale.isQuick ? [TICKING.quick, LOOK_MS.quick] : [TICKING.full, LOOK_MS.full];
  await beginTicking(pool, schedules);
  await rest(CALM_MS + lookMs);
  const late = await lateMsOf(pool, lookMs);
  await endTicking(pool);
  return late;
}

async function burst({ pool }: Carillon, { tell }: Bench): Promise<Figure[]> {
  const { rows } = await pool.query<{ dueAt: Date }>(
    `select date_trunc('second', clock_timestamp() + make_interval(secs => $1::float8)) as "dueAt"`,
    [BURST_AFTER_MS / 1_000],
  );
  const dueAt = rows[0]?.dueAt ?? new Date();
  await pool.query(
    `insert into carillon.schedule (id, tenant_id, slot, name, job_type, spec, next_due_at)
     select gen_random_uuid(), t.id, t.slot, 'burst-' || n, 'noop',
            jsonb_build_object('kind', 'at', 'at', $1::text), $1::timestamptz
       from carillon.tenant t cross join generate_series(1, $2::int / (select count(*)::int from carillon.tenant)) n`,
    [dueAt.toISOString(), BURST],
  );
  await pool.query(`select pg_notify('carillon', 'plan')`);
  const ask = async () => {
    const answer = await pool.query<{ started: number; ahead: number; lastMs: number }>(
      `select count(started_at)::int as started, count(*) filter (where planned_at < due_at)::int as ahead,
              extract(epoch from max(started_at) - $1::timestamptz)::float8 * 1000 as "lastMs"
         from carillon.fire where due_at = $1`,
      [dueAt],
    );
    return answer.rows[0];
  };
  await rest(Math.max(0, dueAt.getTime() - Date.now()));
  const found = await until(
    'all of the burst have started',
    async () => {
      await rest(500);
      const seen = await ask();
      return seen?.started === BURST && seen;
    },
    BURST_LIMIT_MS,
  );
  tell(`lateness: a burst of ${BURST}, the last of which started after ${show(found.lastMs)} ms`);
  return [
    {
      name: 'burst-planned-late',
      what: `lateness: of ${BURST} due in one second, not planned before it`,
      values: [BURST - found.ahead],
      unit: 'fires',
      limit: { atMost: 0 },
    },
    {
      name: 'burst-last-start',
      what: `lateness: of ${BURST} due in one second, the last start`,
      values: [found.lastMs],
      unit: 'ms',
      limit: { atMost: 5_000 },
    },
  ];
}
