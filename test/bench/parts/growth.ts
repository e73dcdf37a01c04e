// What does each thing that there may be more of cost? A replica, a lane that waits, a run that comes in and is done, a
// fire, and their rows on disk: the measurements from which docs/SCALING.md calculates. Costs and no rates, since these
// hardly change with what else the machine does.
import { setTimeout as rest } from 'node:timers/promises';
import { until } from '../../support/until.js';
import { Carillon, TENANTS } from '../contestants/carillon.js';
import type { Figure } from '../figures.js';
import { payloadOf } from '../peers/peer.js';
import { callFor } from '../stand/callers.js';
import { Meter, type Cost } from '../stand/meter.js';
import type { Bench, Part } from './part.js';

const REPLICAS = [1, 2, 4];
const CALM_MS = 4_000;
const LOOK_MS = { quick: 5_000, full: 20_000 };
const LANES_PER_TENANT = 10;
const SCHEDULES = 500;
/** Until the runs that were planned while the schedules were made are over, and statements are as they stay. */
const TICKING_MS = 14_000;
const PER_CALL = 1_000;

interface Stand {
  readonly carillon: Carillon;
  readonly meter: Meter;
  readonly lookMs: number;
}

export const growth: Part = async ({ server, scale }: Bench) => {
  const carillon = await Carillon.open({ databaseUrl: await server.createDatabase('growth') });
  const meter = await Meter.open(carillon.databaseUrl);
  const stand = { carillon, meter, lookMs: scale.isQuick ? LOOK_MS.quick : LOOK_MS.full };
  try {
    const figures: Figure[] = [];
    for (const replicas of REPLICAS) {
      await carillon.staff(replicas);
      figures.push(
        ...perSecond(`replicas-${replicas}`, `${replicas} idle replicas`, await look(stand), stand),
      );
    }
    await carillon.staff(2);
    figures.push(...(await lanes(stand)), ...(await fires(stand)), ...(await batches(stand)));
    figures.push(...(await singles(stand)), ...(await bytes(stand)));
    return figures;
  } finally {
    await meter.close();
    await carillon.close();
  }
};

async function look({ carillon, meter, lookMs }: Stand, calmMs = CALM_MS): Promise<Cost> {
  await rest(calmMs);
  const stop = await meter.start(carillon.pids);
  await rest(lookMs);
  return stop();
}

/** Two replicas, and in each lane one run that is due tomorrow. */
async function lanes(stand: Stand): Promise<Figure[]> {
  const { carillon } = stand;
  await carillon.pool.query(
    `insert into carillon.run (id, tenant_id, slot, job_type, queue, payload, run_at)
     select carillon.new_id(), id, slot, 'noop', 'queue-' || n, '{}', clock_timestamp() + interval '1 day'
       from carillon.tenant cross join generate_series(1, $1::int) n`,
    [LANES_PER_TENANT],
  );
  await carillon.pool.query('vacuum /* bench */ (analyze) carillon.run');
  const count = TENANTS * LANES_PER_TENANT;
  const figures = perSecond('lanes', `2 replicas, ${count} lanes that wait`, await look(stand), stand);
  await carillon.pool.query('delete from carillon.run');
  return figures;
}

/** Schedules that are due each second, from planning to history. */
async function fires(stand: Stand): Promise<Figure[]> {
  const { carillon, lookMs } = stand;
  await carillon.pool.query(
    `insert into carillon.schedule (id, tenant_id, slot, name, job_type, spec, next_due_at)
     select gen_random_uuid(), t.id, t.slot, 'tick', 'noop',
            jsonb_build_object('kind', 'every', 'seconds', 1, 'anchorAt', to_char(a.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')), a.at
       from (select *, row_number() over (order by name) as place from carillon.tenant limit $1::int) t
      cross join lateral (select date_trunc('second', clock_timestamp()) + interval '2 seconds' + t.place % 100 * interval '10 ms' as at) a`,
    [SCHEDULES],
  );
  await carillon.pool.query(`select pg_notify('carillon', 'plan')`);
  const cost = await look(stand, TICKING_MS);
  await carillon.pool.query('delete from carillon.schedule');
  await isDone(carillon);
  return each('fire', 'a fire of 500/s', cost, (SCHEDULES * lookMs) / 1_000);
}

/** A thousand in a call to the API, and done. */
async function batches({ carillon, meter, lookMs }: Stand): Promise<Figure[]> {
  const runs = Array.from({ length: PER_CALL }, (_, number) => ({
    jobType: 'noop',
    payload: payloadOf(number),
  }));
  const call = (number: number) =>
    carillon.ask(`/tenants/tenant-${number % TENANTS}/runs:batchCreate`, { runs });
  const stop = await meter.start(carillon.pids);
  const { count } = await callFor({ callers: 2, forMs: lookMs / 2 }, call);
  await isDone(carillon);
  return each('batch', 'a run that comes by the thousand, done', await stop(), count * PER_CALL);
}

/** One in a call and one caller, who waits a little: the dearest way to run something. */
async function singles({ carillon, meter, lookMs }: Stand): Promise<Figure[]> {
  const stop = await meter.start(carillon.pids);
  const { count } = await callFor({ callers: 1, forMs: lookMs }, async (number) => {
    await carillon.ask(`/tenants/tenant-${number % TENANTS}/runs`, {
      jobType: 'noop',
      payload: payloadOf(number),
    });
    await rest(20);
  });
  await isDone(carillon);
  return each(
    'single',
    `a run that comes alone, about ${Math.round(count / (lookMs / 1_000))}/s, done`,
    await stop(),
    count,
  );
}

/** With their indexes, when many were added as they are: by the second, for many tenants. */
async function bytes({ carillon }: Stand): Promise<Figure[]> {
  await carillon.pool.query('truncate carillon.run');
  await carillon.fill(100_000);
  const { rows } = await carillon.pool.query<{ name: string; bytes: number }>(
    `select of.name, sum(pg_total_relation_size(c.oid))::float8 / nullif(max(of.rows), 0) as bytes
       from (values ('run', (select count(*) from carillon.run)),
                    ('run_history', (select count(*) from carillon.run_history)),
                    ('fire', (select count(*) from carillon.fire))) as of (name, rows)
       join pg_class c on c.relkind = 'r' and c.relnamespace = 'carillon'::regnamespace
        and (c.relname = of.name
             or c.oid in (select inhrelid from pg_inherits where inhparent = ('carillon.' || of.name)::regclass))
      group by of.name`,
  );
  return rows.map(({ name, bytes: size }) => ({
    name: `growth-bytes-${name}`,
    what: `growth: a row of ${name} with its indexes`,
    values: [size],
    unit: 'bytes',
  }));
}

async function isDone(carillon: Carillon): Promise<void> {
  await until('nothing is left', async () => (await carillon.countQueued()) === 0);
}

function perSecond(name: string, what: string, cost: Cost, { lookMs }: Stand): Figure[] {
  return each(name, `a second of ${what}`, cost, lookMs / 1_000);
}

function each(name: string, what: string, cost: Cost, count: number): Figure[] {
  const figure = (measure: string, value: number, unit: string): Figure => ({
    name: `growth-${name}-${measure.toLowerCase().replaceAll(' ', '-')}`,
    what: `growth: ${what}, ${measure}`,
    values: [value / count],
    unit,
  });
  return [
    figure('statements', cost.statements, ''),
    figure('Postgres CPU', cost.postgresMs * 1_000, 'us'),
    figure('Node CPU', cost.nodeMs * 1_000, 'us'),
    figure('WAL', cost.walBytes, 'bytes'),
    figure('blocks', cost.blocks, ''),
  ];
}
