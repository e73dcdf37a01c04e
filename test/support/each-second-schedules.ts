// Schedules of each second that are behind: a crowd for the planner, written in one statement, since the API would take
// minutes. Their due times are spread over the second.
export interface CrowdOfSchedules {
  tenants: readonly string[];
  /** For each tenant. */
  count: number;
  /** How long ago each was due for the first time. */
  behindSeconds: number;
  /** Paused ones load the planner as well, and make no runs. */
  state: 'active' | 'paused';
}

export async function addEachSecondSchedules(
  witness: { ask(text: string, values: unknown[]): Promise<unknown> },
  { tenants, count, behindSeconds, state }: CrowdOfSchedules,
): Promise<void> {
  await witness.ask(
    `insert into carillon.schedule (id, tenant_id, slot, name, job_type, spec, payload, state, next_due_at)
     select gen_random_uuid(), t.id, t.slot, 'each-second-' || n, 'noop',
            jsonb_build_object('kind', 'every', 'seconds', 1, 'anchorAt', to_char(due.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')),
            'null', $4, due.at
       from carillon.tenant t
      cross join generate_series(1, $2::int) n
      cross join lateral (select date_trunc('milliseconds', now() - make_interval(secs => $3::float8 + n % 100 / 100.0)) as at) due
      where t.name = any($1)`,
    [tenants, count, behindSeconds, state],
  );
}
