// Does what is over slow down what is to be done? The same drain without a history, and with ten million rows of it, in
// turn: a machine's speed changes more within a minute than a history changes it. The rows are made all at once, so
// the drains begin when the server has written them to disk.
import { Carillon } from '../contestants/carillon.js';
import { ratios, show, type Figure } from '../figures.js';
import { Meter } from '../stand/meter.js';
import type { Bench, Part } from './part.js';

const REPLICAS = 2;
const ROWS = { quick: 500_000, full: 10_000_000 };
const PER_STATEMENT = 500_000;
const WARM_UP_RUNS = 20_000;

interface Side {
  readonly carillon: Carillon;
  readonly meter: Meter;
  /** Runs a second. */
  readonly rates: number[];
  /** Of the server's processor time, for each run. */
  readonly serverUs: number[];
}

export const history: Part = async (bench) => {
  const rows = bench.scale.isQuick ? ROWS.quick : ROWS.full;
  const sides: Side[] = [];
  try {
    const none = await openSide(bench, 'history_none');
    sides.push(none);
    const behind = await openSide(bench, 'history_behind');
    sides.push(behind);
    for (let left = rows; left > 0; left -= PER_STATEMENT)
      await addHistory(behind.carillon, Math.min(left, PER_STATEMENT));
    await behind.carillon.pool.query('vacuum (analyze) carillon.run_history');
    await behind.carillon.pool.query('checkpoint');
    for (let round = 1; round <= bench.scale.rounds; round += 1) {
      // Which is first changes, since the second finds what the first has left to be written.
      for (const side of round % 2 === 1 ? [none, behind] : [behind, none]) await drainOnce(bench, side);
      const [without, with_] = [none, behind].map(({ rates }) => show(rates.at(-1) ?? Number.NaN));
      bench.tell(
        `history ${round}/${bench.scale.rounds}: ${without} without, ${with_} runs a second behind it`,
      );
    }
    return figuresOf({ rows, none, behind });
  } finally {
    for (const { carillon, meter } of sides) {
      await meter.close();
      await carillon.close();
    }
  }
};

async function openSide({ server }: Bench, name: string): Promise<Side> {
  const carillon = await Carillon.open({ databaseUrl: await server.createDatabase(name) });
  const meter = await Meter.open(carillon.databaseUrl);
  const side = { carillon, meter, rates: [], serverUs: [] };
  await carillon.staff(REPLICAS);
  await refill(carillon, WARM_UP_RUNS);
  await carillon.drain();
  return side;
}

async function drainOnce({ scale }: Bench, { carillon, meter, rates, serverUs }: Side): Promise<void> {
  await refill(carillon, scale.runs);
  const used = await meter.start(carillon.pids);
  rates.push((scale.runs * 1_000) / (await carillon.drain()));
  serverUs.push(((await used()).postgresMs * 1_000) / scale.runs);
}

async function refill(carillon: Carillon, runs: number): Promise<void> {
  await carillon.fill(runs);
  await carillon.pool.query('vacuum /* bench */ (analyze) carillon.run');
}

/** All of the last five hours, so that today's partition and its indexes are as large as can be. Ids are of their time. */
async function addHistory({ pool }: Carillon, rows: number): Promise<void> {
  await pool.query(
    `insert into carillon.run_history (id, tenant_id, slot, job_type, payload, priority, run_at, attempt, created_at, outcome, replica, started_at, finished_at)
     select (lpad(to_hex((extract(epoch from a.at) * 1000)::bigint), 12, '0') || '7' || substr(md5(random()::text), 14))::uuid,
            t.id, t.slot, 'noop', '{"number": 1, "note": "nothing to be done"}', 0, a.at, 1, a.at, 'succeeded', 1, a.at, a.at
       from generate_series(1, $1::int / (select count(*)::int from carillon.tenant)) n
      cross join carillon.tenant t
      cross join lateral (select clock_timestamp() - (n % 100 + 1) * interval '3 minutes' as at) a`,
    [rows],
  );
}

function figuresOf({ rows, none, behind }: { rows: number; none: Side; behind: Side }): Figure[] {
  const cost = ratios(behind.rates, none.rates).map((ratio) => (1 - ratio) * 100);
  const many = show(rows);
  return [
    {
      name: 'history-none-rate',
      what: 'history: drain with none behind',
      values: none.rates,
      unit: 'runs/s',
    },
    {
      name: 'history-rate',
      what: `history: drain with ${many} behind`,
      values: behind.rates,
      unit: 'runs/s',
    },
    {
      name: 'history-cost',
      what: `history: slower with ${many} behind`,
      values: cost,
      unit: '%',
      limit: { atMost: 10 },
    },
    {
      name: 'history-none-server',
      what: 'history: PostgreSQL for a run, none behind',
      values: none.serverUs,
      unit: 'us',
    },
    {
      name: 'history-server',
      what: `history: PostgreSQL for a run, ${many} behind`,
      values: behind.serverUs,
      unit: 'us',
    },
  ];
}
