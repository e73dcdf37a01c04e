// How soon does the present go on after all replicas were down for a day? Thousands of schedules are a day behind when the
// first replica starts. What is due now must start first, nothing that is due from then on may be missed, and what became
// of the day is decided behind it, at a bounded rate. Rows of the ledger are counted, not believed from the log.
import { setTimeout as rest } from 'node:timers/promises';
import { until } from '../../support/until.js';
import { Carillon } from '../contestants/carillon.js';
import { show, type Figure } from '../figures.js';
import type { Part } from './part.js';

const REPLICAS = 2;
const SCHEDULES = 4_100;
const GAP_HOURS = 24;
/** Long enough for two full minutes of due times after the start. */
const LOOK_MS = 150_000;
const FIRST_START_LIMIT_MS = 600_000;

interface Ledger {
  firstStartMs: number | null;
  rows: number;
  missedSince: number;
}

export const outage: Part = async ({ server, tell }) => {
  const carillon = await Carillon.open({ databaseUrl: await server.createDatabase('outage') });
  const { pool } = carillon;
  try {
    await pool.query(
      `insert into carillon.schedule (id, tenant_id, slot, name, job_type, spec, next_due_at)
       select gen_random_uuid(), t.id, t.slot, 'minute-' || n, 'noop', '{"kind":"cron","expression":"* * * * *","timeZone":"UTC"}',
              date_trunc('minute', clock_timestamp() - make_interval(hours => $2::int))
         from generate_series(0, $1::int - 1) n
         join (select id, slot, row_number() over (order by name) - 1 as place, count(*) over () as places
                 from carillon.tenant) t on t.place = n % t.places`,
      [SCHEDULES, GAP_HOURS],
    );
    const look = async (): Promise<Ledger> => {
      const found = await pool.query<Ledger>(
        `select /* bench */ extract(epoch from min(f.started_at) - min(term.at))::float8 * 1000 as "firstStartMs", count(*)::int as rows,
                count(*) filter (where f.outcome in ('missed', 'coalesced') and f.due_at > term.at)::int as "missedSince"
           from carillon.fire f cross join (select min(at) as at from carillon.cluster_event where type = 'term-began') term`,
      );
      return found.rows[0] ?? { firstStartMs: null, rows: 0, missedSince: 0 };
    };
    const staffed = carillon.staff(REPLICAS);
    const first = await until(
      'something has started',
      async () => {
        await rest(250);
        const seen = await look();
        return seen.firstStartMs !== null && { ...seen, firstStartMs: seen.firstStartMs };
      },
      FIRST_START_LIMIT_MS,
    );
    await staffed;
    tell(
      `outage: the first start after ${show(first.firstStartMs)} ms, with ${first.rows} rows in the ledger`,
    );
    await rest(LOOK_MS);
    const later = await look();
    const perSecond = (later.rows - first.rows) / (LOOK_MS / 1_000);
    tell(
      `outage: ${later.rows} rows ${LOOK_MS / 1_000} s later, ${later.missedSince} missed since the start`,
    );
    return figuresOf(first, { missedSince: later.missedSince, perSecond });
  } finally {
    await carillon.close();
  }
};

function figuresOf(
  first: { firstStartMs: number; rows: number },
  { missedSince, perSecond }: { missedSince: number; perSecond: number },
): Figure[] {
  const after = `outage: ${SCHEDULES} schedules of each minute, ${GAP_HOURS} h behind`;
  return [
    {
      name: 'outage-first-start',
      what: `${after}, the first start after a leader was there`,
      values: [first.firstStartMs],
      unit: 'ms',
      limit: { atMost: 5_000 },
    },
    {
      name: 'outage-missed',
      what: `${after}, due after that and missed`,
      values: [missedSince],
      unit: 'fires',
      limit: { atMost: 0 },
    },
    {
      name: 'outage-rows',
      what: `${after}, rows written before the first start`,
      values: [first.rows],
      unit: 'rows',
    },
    {
      name: 'outage-rate',
      what: `${after}, rows written a second behind the present`,
      values: [perSecond],
      unit: '/s',
    },
  ];
}
