// Does what is over slow down what is to be done? The same drain without a history, and with ten million rows of it.
import { Carillon } from '../contestants/carillon.js';
import { show, spreadOf, type Figure } from '../figures.js';
import type { Bench, Part } from './part.js';

const REPLICAS = 2;
const ROWS = { quick: 500_000, full: 10_000_000 };
const PER_STATEMENT = 500_000;
const WARM_UP_RUNS = 5_000;

export const history: Part = async (bench) => {
  const { server, scale } = bench;
  const carillon = await Carillon.open({ databaseUrl: await server.createDatabase('history') });
  const rows = scale.isQuick ? ROWS.quick : ROWS.full;
  try {
    await carillon.staff(REPLICAS);
    await drainWith(carillon, WARM_UP_RUNS);
    const without = await drains(bench, carillon);
    for (let left = rows; left > 0; left -= PER_STATEMENT)
      await addHistory(carillon, Math.min(left, PER_STATEMENT));
    await carillon.pool.query('vacuum (analyze) carillon.run_history');
    const behind = await drains(bench, carillon);
    return figuresOf({ rows, without, behind });
  } finally {
    await carillon.close();
  }
};

async function drains({ scale, tell }: Bench, carillon: Carillon): Promise<number[]> {
  const rates: number[] = [];
  for (let round = 1; round <= scale.rounds; round += 1) {
    rates.push(await drainWith(carillon, scale.runs));
    tell(`history ${round}/${scale.rounds}: ${show(rates.at(-1) ?? Number.NaN)} runs a second`);
  }
  return rates;
}

/** Runs a second. What was done stays, and is told from this round's by when it started. */
async function drainWith(carillon: Carillon, runs: number): Promise<number> {
  await carillon.fill(runs);
  await carillon.pool.query('vacuum /* bench */ (analyze) carillon.run');
  return (runs * 1_000) / (await carillon.drain());
}

/** Of the last days, as old as what a retention of two weeks keeps. */
async function addHistory({ pool }: Carillon, rows: number): Promise<void> {
  await pool.query(
    `insert into carillon.run_history (id, tenant_id, slot, job_type, payload, priority, run_at, attempt, created_at, outcome, replica, started_at, finished_at)
     select gen_random_uuid(), t.id, t.slot, 'noop', '{"number": 1, "note": "nothing to be done"}', 0, a.at, 1, a.at, 'succeeded', 1, a.at, a.at
       from generate_series(1, $1::int / (select count(*)::int from carillon.tenant)) n
      cross join carillon.tenant t
      cross join lateral (select clock_timestamp() - (n % 100 + 1) * interval '3 minutes' as at) a`,
    [rows],
  );
}

function figuresOf(found: { rows: number; without: number[]; behind: number[] }): Figure[] {
  const { rows, without, behind } = found;
  const cost = 1 - spreadOf(behind).median / spreadOf(without).median;
  return [
    { name: 'history-none-rate', what: 'history: drain with none behind', values: without, unit: 'runs/s' },
    {
      name: 'history-rate',
      what: `history: drain with ${show(rows)} behind`,
      values: behind,
      unit: 'runs/s',
    },
    {
      name: 'history-cost',
      what: `history: slower with ${show(rows)} behind`,
      values: [cost * 100],
      unit: '%',
    },
  ];
}
