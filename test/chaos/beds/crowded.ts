// The bed on which one tenant crowds the planner: thousands of schedules of each second with a backlog, so that each leader
// that is lost leaves more due times than a pass of the next one takes. They are paused: each due time costs the planner as
// much as any, and nothing runs, which would only show that two cores are not enough for all. The other tenants' fires have
// to be as punctual as on any bed.
import { groundOf } from './direct.js';
import type { Bed } from './bed.js';

export const CROWD = 'crowd';
/** With half of them, a planner that served all tenants in one queue was late by less than it looks ahead. */
const SCHEDULES = 6_000;
const BEHIND_SECONDS = 55;

export const crowded: Bed = {
  name: 'crowded',
  prepare: async (_server, databaseUrl) => groundOf(databaseUrl),
  limited: (kind) => kind,
  async addWork(cluster, { seat, witness }) {
    await cluster.insist(seat, '/api/v1/tenants', { body: { name: CROWD } });
    await witness.ask(
      `insert into carillon.schedule (id, tenant_id, slot, name, job_type, spec, payload, state, next_due_at)
       select gen_random_uuid(), t.id, t.slot, 'each-second-' || n, 'noop',
              jsonb_build_object('kind', 'every', 'seconds', 1, 'anchorAt', to_char(due.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')),
              'null', 'paused', due.at
         from carillon.tenant t
        cross join generate_series(1, $2::int) n
        cross join lateral (select date_trunc('milliseconds', now() - make_interval(secs => $3::float8 + n % 100 / 100.0)) as at) due
        where t.name = $1`,
      [CROWD, SCHEDULES, BEHIND_SECONDS],
    );
  },
};
