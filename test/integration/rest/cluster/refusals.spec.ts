// What does the API answer when the database refuses? 503 and when to ask again, wherever the reason passes or lies with
// the server, and 500 only where the statement itself is at fault. A trigger raises each code as the server would.
import { beforeAll, describe, expect, it } from 'vitest';
import { runStatement } from '../../../support/admin-statement.js';
import { expectProblem } from '../../../support/expect-problem.js';
import { openClient } from '../../../support/rows.js';
import { useTestServer } from '../../../support/test-server.js';
import { finish, useTenant } from '../../../support/test-tenant.js';
import { until } from '../../../support/until.js';

const server = useTestServer();
const tenant = useTenant(server);

beforeAll(async () => {
  await runStatement(
    server.databaseUrl,
    `create table public.refusal (code text not null);
     create function public.refuse() returns trigger language plpgsql as $$
     declare refused text := (select code from public.refusal);
     begin
       if refused is not null and new.job_type = 'noop' then
         raise exception 'refused for a test' using errcode = refused;
       end if;
       return new;
     end $$;
     create trigger refuse before insert on carillon.run for each row execute function public.refuse()`,
  );
});

const post = (jobType = 'noop') => server.admin.post(`${tenant.path}/runs`).send({ jobType });

async function refuseBy(code: string): Promise<void> {
  await runStatement(server.databaseUrl, `delete from refusal; insert into refusal values ('${code}')`);
}

/** PostgreSQL has these in their classes, and 08P01; a lock that is held (55P03) has an answer of its own. */
const PASSING = `
  08000 08003 08006 08001 08004 08007 08P01
  25006 25P03 25P04
  40000 40001 40002 40003 40P01
  53000 53100 53200 53300 53400
  55006
  57014 57P01 57P02 57P03 57P04 57P05
  58000 58030 58P01 58P02`
  .trim()
  .split(/\s+/);

describe('a request that the database refuses', () => {
  it.each(PASSING)('for now (%s) is answered with 503, and when to ask again', async (code) => {
    await refuseBy(code);
    const response = await post();
    expectProblem(response, 'database-unavailable');
    expect(Number(response.headers['retry-after'])).toBeGreaterThan(0);
  });

  it('by a lock that is held for longer than the request waits is answered with 409', async () => {
    await refuseBy('55P03');
    const response = await post();
    expectProblem(response, 'request-in-progress');
    expect(Number(response.headers['retry-after'])).toBeGreaterThan(0);
  });

  it.each(['22012', '42501', '42P01', 'P0001', 'XX000'])(
    'for good (%s), by a fault of ours, is answered with 500, and no promise',
    async (code) => {
      await refuseBy(code);
      const response = await post();
      expectProblem(response, 'internal');
      expect(response.headers['retry-after']).toBeUndefined();
    },
  );

  it('is taken when it comes again', async () => {
    await refuseBy('53100');
    expectProblem(await post(), 'database-unavailable');
    await runStatement(server.databaseUrl, 'delete from refusal');
    expect(await finish(tenant, { jobType: 'noop' })).toMatchObject({ state: 'succeeded' });
  });

  it('by cancelling its statement is answered with 503', async () => {
    const holder = await openClient(server.databaseUrl);
    await holder.query('begin');
    await holder.query('lock table carillon.tenant in access exclusive mode');
    // A transaction sees the sessions as they were when it first asked, so another session watches.
    const watcher = await openClient(server.databaseUrl);
    const answered = server.admin
      .post('/api/v1/tenants')
      .send({ name: 'waits' })
      .then((response) => response);
    await until('it waits and is cancelled', async () => {
      const { rows } = await watcher.query<{ cancelled: boolean }>(
        `select pg_cancel_backend(pid) as cancelled from pg_stat_activity
          where datname = current_database() and application_name = 'carillon-api' and wait_event_type = 'Lock'
            and query ~ 'insert into .*tenant'`,
      );
      return rows.length > 0;
    });
    expectProblem(await answered, 'database-unavailable');
    await holder.query('rollback');
  });
});
