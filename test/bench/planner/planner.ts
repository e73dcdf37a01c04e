// What does planning cost, and is it done in time? A hundred thousand schedules that are due at one instant must all be
// planned before it. A pass over a million schedules of which a hundred are due must cost what it does over a thousand.
// And what schedules may say of their runs and of outages is compared with schedules that say nothing.
import { setTimeout as rest } from 'node:timers/promises';
import pg from 'pg';
import { migrateToLatest } from '#database/migrating/migrator.js';
import { Carillon } from '../contestants/carillon.js';
import { show, spreadOf, type Figure } from '../figures.js';
import type { Bench, Part } from '../parts/part.js';
import { PlannedAlone, type PassCost } from './planned-alone.js';

const REPLICAS = 2;
const BURST = { quick: 20_000, full: 100_000 };
/** The planner looks ahead farther for a rush, and begins as soon as the schedules are there. */
const BURST_AFTER_SECONDS = 45;

const FEW = 1_000;
const MANY = { quick: 100_000, full: 1_000_000 };
const DUE = 100;
/** In each round, by turns. */
const PASSES = 10;
/** An index of a million rows is a level or two deeper, and each due schedule is looked up in several. */
const GROWTH_MAX = 1.5;

const PLAIN = 2_000;

export const planner: Part = async (bench) => [
  ...(await burst(bench)),
  ...(await passes(bench)),
  ...(await policies(bench)),
];

async function burst({ server, scale, tell }: Bench): Promise<Figure[]> {
  const size = scale.isQuick ? BURST.quick : BURST.full;
  const carillon = await Carillon.open({ databaseUrl: await server.createDatabase('planner_burst') });
  const { pool } = carillon;
  try {
    await carillon.staff(REPLICAS);
    const { rows } = await pool.query<{ dueAt: Date }>(
      `select date_trunc('second', clock_timestamp() + make_interval(secs => $1::float8)) as "dueAt"`,
      [BURST_AFTER_SECONDS],
    );
    const dueAt = rows[0]?.dueAt ?? new Date();
    await pool.query(
      `insert into carillon.schedule (id, tenant_id, slot, name, job_type, spec, next_due_at)
       select gen_random_uuid(), t.id, t.slot, 'burst-' || n, 'noop', jsonb_build_object('kind', 'at', 'at', $1::text), $1::timestamptz
         from carillon.tenant t cross join generate_series(1, $2::int / (select count(*)::int from carillon.tenant)) n`,
      [dueAt.toISOString(), size],
    );
    await pool.query(`select pg_notify('carillon', 'plan')`);
    await rest(Math.max(0, dueAt.getTime() - Date.now()) + 2_000);
    const found = await pool.query<{ ahead: number; lastAheadMs: number }>(
      `select count(*) filter (where planned_at < due_at)::int as ahead, extract(epoch from $1::timestamptz - max(planned_at))::float8 * 1000 as "lastAheadMs"
         from carillon.fire where due_at = $1`,
      [dueAt],
    );
    const { ahead = 0, lastAheadMs = Number.NaN } = found.rows[0] ?? {};
    tell(
      `planner: of ${size} due at one instant ${ahead} were planned before it, the last ${show(lastAheadMs)} ms`,
    );
    const of = `planner: ${show(size)} due at one instant`;
    return [
      {
        name: 'planner-burst-not-ahead',
        what: `${of}, not planned before it`,
        values: [size - ahead],
        unit: 'fires',
        limit: { atMost: 0 },
      },
      {
        name: 'planner-burst-last-ahead',
        what: `${of}, the last was planned so long before it`,
        values: [lastAheadMs],
        unit: 'ms',
      },
    ];
  } finally {
    await carillon.close();
  }
}

interface Field {
  readonly size: number;
  readonly pool: pg.Pool;
  readonly planner: PlannedAlone;
  readonly costs: PassCost[];
}

async function passes({ server, scale, tell }: Bench): Promise<Figure[]> {
  const fields: Field[] = [];
  try {
    for (const size of [FEW, scale.isQuick ? MANY.quick : MANY.full]) {
      const fromMs = performance.now();
      fields.push(await openField(await server.createDatabase(`planner_${size}`), size));
      tell(`planner: ${show(size)} schedules made in ${show(performance.now() - fromMs)} ms`);
    }
    // So that the round's rows have been written since the last checkpoint: a first write logs whole pages.
    for (let pass = 0; pass < FEW / DUE; pass += 1) for (const field of fields) await passOnce(field, pass);
    for (const field of fields) field.costs.length = 0;
    for (let pass = 1; pass <= PASSES * scale.rounds; pass += 1)
      for (const field of fields) await passOnce(field, pass);
  } finally {
    for (const { pool, planner } of fields) await Promise.all([pool.end(), planner.close()]);
  }
  return growthOf(fields, tell);
}

/** All but those that a round makes due are due in a day or later. */
async function openField(url: string, size: number): Promise<Field> {
  await migrateToLatest(url);
  const pool = new pg.Pool({ connectionString: url, max: 1 });
  pool.on('error', () => undefined);
  await pool.query(
    `insert into carillon.tenant (id, name, display_name, slot) values (gen_random_uuid(), 'acme', 'Acme', 7)`,
  );
  // Without a look at the tenant for each, which takes as long as the rest, where that is allowed.
  await pool.query('set session_replication_role = replica').catch(() => undefined);
  await pool.query(
    `insert into carillon.schedule (id, tenant_id, slot, name, job_type, spec, next_due_at)
     select gen_random_uuid(), t.id, t.slot, 'daily-' || n, 'noop', '{"kind":"cron","expression":"0 3 * * *","timeZone":"UTC"}',
            date_trunc('day', clock_timestamp()) + interval '2 days 3 hours'
       from carillon.tenant t cross join generate_series(0, $1::int - 1) n`,
    [size],
  );
  await pool.query('reset session_replication_role');
  await pool.query('vacuum (analyze) carillon.schedule');
  return { size, pool, planner: await PlannedAlone.open(url), costs: [] };
}

async function passOnce({ pool, planner, costs }: Field, pass: number): Promise<void> {
  const first = (pass * DUE) % FEW;
  await pool.query(
    `/* bench */ update carillon.schedule set next_due_at = date_trunc('second', clock_timestamp()) + interval '5 seconds'
      where name = any(select 'daily-' || n from generate_series($1::int, $2::int) n)`,
    [first, first + DUE - 1],
  );
  costs.push(await planner.pass());
  const { rowCount } = await pool.query('/* bench */ delete from carillon.run');
  if (rowCount !== DUE) throw new Error(`expected a pass to plan ${DUE} runs, got ${rowCount}`);
}

function growthOf([few, many]: readonly Field[], tell: Bench['tell']): Figure[] {
  if (few === undefined || many === undefined) return [];
  return (['nodeMs', 'postgresMs', 'blocks', 'walBytes'] as const).map((measure) => {
    const medians = [few, many].map(({ costs }) => spreadOf(costs.map((cost) => cost[measure])).median);
    const [ofFew = Number.NaN, ofMany = Number.NaN] = medians;
    tell(
      `planner: a pass of ${DUE}, ${measure}: ${show(ofFew)} of ${show(few.size)}, ${show(ofMany)} of ${show(many.size)}`,
    );
    const figure = {
      name: `planner-pass-growth-${measure.toLowerCase()}`,
      what: `planner: a pass, ${DUE} due of ${show(many.size)} schedules by ${DUE} due of ${show(few.size)}, ${measure}`,
      values: [ofMany / ofFew],
      unit: 'times',
    };
    // The server's time has in it what other programs keep it waiting for, and its log whole pages after a checkpoint.
    return measure === 'postgresMs' || measure === 'walBytes'
      ? figure
      : { ...figure, limit: { atMost: GROWTH_MAX } };
  });
}

/** The columns that schedules with policies fill, with their values. */
const POLICIES = {
  plain: '',
  policies: `, catch_up = '{"mode":"all","withinSeconds":600,"max":3}', concurrency_key = 'customer-7', tags = '{nightly}', priority = 5,
             deadline_seconds = 600, pause_after_failures = 3, spec = spec || '{"clockChanges":{"gap":"skip","repeat":"both"}}'`,
};

/** Both kinds stand in one table, and one of them is due in each pass, by turns. */
async function policies({ server, scale, tell }: Bench): Promise<Figure[]> {
  const { pool, planner } = await openField(await server.createDatabase('planner_policies'), 2 * PLAIN);
  const kinds = Object.entries(POLICIES).map(([name, columns]) => ({
    name,
    columns,
    costs: [] as PassCost[],
  }));
  try {
    for (const [index, { columns }] of kinds.entries())
      await pool.query(
        `update carillon.schedule set job_type = 'noop' ${columns}
          where name = any(select 'daily-' || n from generate_series($1::int, $2::int) n)`,
        [index * PLAIN, (index + 1) * PLAIN - 1],
      );
    for (let round = 0; round <= 2 * scale.rounds; round += 1)
      for (const [index, { costs }] of kinds.entries()) {
        await pool.query(
          `/* bench */ update carillon.schedule set next_due_at = date_trunc('second', clock_timestamp()) + interval '9 seconds'
            where name = any(select 'daily-' || n from generate_series($1::int, $2::int) n)`,
          [index * PLAIN, (index + 1) * PLAIN - 1],
        );
        const cost = await planner.pass();
        if (round > 0) costs.push(cost);
        await pool.query('/* bench */ delete from carillon.run');
      }
  } finally {
    await Promise.all([pool.end(), planner.close()]);
  }
  return (['nodeMs', 'postgresMs'] as const).map((measure) => {
    const [plain = Number.NaN, rich = Number.NaN] = kinds.map(
      ({ costs }) => (spreadOf(costs.map((cost) => cost[measure])).median * 1_000) / PLAIN,
    );
    tell(`planner: ${measure} for each due time: ${show(plain)} us plain, ${show(rich)} us with policies`);
    return {
      name: `planner-policies-${measure.toLowerCase()}`,
      what: `planner: a due time with policies by a plain one, ${measure}`,
      values: [rich / plain],
      unit: 'times',
    };
  });
}
