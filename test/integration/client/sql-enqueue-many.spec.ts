// Do many runs come in from SQL by one call, with every mistake named as for one that comes alone, and with its place?
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { tenantWithJobs } from '../../support/bulk-scene.js';
import { openClient } from '../../support/rows.js';
import { useTestDatabase } from '../../support/test-database.js';

const database = useTestDatabase({ per: 'file' });

const call = async (client: pg.Client, args: string, values: unknown[] = []): Promise<string[]> => {
  const { rows } = await client.query<{ ids: string[] }>(
    `select carillon.enqueue_many(${args})::text[] as ids`,
    values,
  );
  return rows[0]?.ids ?? [];
};
const refusal = (asked: Promise<unknown>): Promise<{ code: unknown; message: string }> =>
  asked.then(
    () => ({ code: null, message: 'nothing was refused' }),
    (error: unknown) => ({
      code: error instanceof pg.DatabaseError ? error.code : null,
      message: error instanceof Error ? error.message : '',
    }),
  );

describe('carillon.enqueue_many()', () => {
  it.each([
    ['payload', 'to_jsonb(repeat($$x$$, 262143))'],
    ['payload', 'null::jsonb'],
    ['payload', `'{"a": [-9007199254740993]}'::jsonb`],
    ['payload', `'[0.5, 1e400]'::jsonb`],
    ['payload', `(repeat('[', 101) || repeat(']', 101))::jsonb`],
    ['queue', `'No Name'`],
    ['priority', '101'],
    ['concurrency_key', `''`],
    ['concurrency_key', `repeat('k', 201)`],
    ['tags', `array['a', '']`],
    ['tags', `array[repeat('t', 101)]`],
    ['tags', `array(select n::text from generate_series(1, 21) n)`],
    ['run_at', `'infinity'::timestamptz`],
    ['run_at', `'10000-01-01Z'::timestamptz`],
    ['run_at', `'0044-03-15 BC'::timestamptz`],
    ['deadline', `'2001-01-01Z'::timestamptz`],
    ['deadline', `'-infinity'::timestamptz`],
    ['deadline', `'294276-12-31Z'::timestamptz`],
    ['unique_key', `repeat('k', 201)`],
    ['unique_window', `interval '-1 s'`],
    ['on_conflict', `'replace'`],
  ])('refuses one with the %s %s as carillon.enqueue() does, and names its place', async (field, value) => {
    const client = await openClient(database.url);
    const tenant = await tenantWithJobs(database.db);
    const alone = await refusal(
      client.query(`select carillon.enqueue($1, 'plain', ${field} => ${value})`, [tenant]),
    );
    const payloads = field === 'payload' ? `array['1', ${value}, '3']` : `array['1', '2', '3']::jsonb[]`;
    const column = field === 'priority' ? 'priorities' : field === 'tags' ? 'tags' : `${field}s`;
    const given =
      field === 'payload'
        ? ''
        : field === 'tags'
          ? `, tags => jsonb_build_array(null, ${value}, null)`
          : `, ${column} => array[null, ${value}, null]`;
    const together = await refusal(call(client, `$1, 'plain', ${payloads}${given}`, [tenant]));
    expect(alone.code).not.toBeNull();
    expect(together).toEqual({ code: alone.code, message: `/runs/1: ${alone.message}` });
  });

  it('takes the numbers that carillon.enqueue() takes', async () => {
    const client = await openClient(database.url);
    const tenant = await tenantWithJobs(database.db);
    const numbers = ['9007199254740992', '1152921504606847000', '1e22', '0.1234567890123456789', '1e-400'];
    const payloads = [...numbers, `${'['.repeat(100)}7${']'.repeat(100)}`, '"9007199254740993"'];
    expect(await call(client, `$1, 'plain', $2::jsonb[]`, [tenant, payloads])).toHaveLength(7);
  });

  it('refuses a key that is too long for what its job type says of keys', async () => {
    const client = await openClient(database.url);
    const tenant = await tenantWithJobs(database.db);
    for (const job of ['skipping', 'in-order']) {
      const keys = ['k', `overlap/allow/${'k'.repeat(180)}`, 'k'.repeat(181)];
      const together = await refusal(
        call(client, `$1, $2, array['1', '2', '3']::jsonb[], concurrency_keys => $3`, [tenant, job, keys]),
      );
      const alone = await refusal(
        client.query('select carillon.enqueue($1, $2, concurrency_key => $3)', [tenant, job, keys[2]]),
      );
      expect(together).toEqual({ code: '22023', message: `/runs/2: ${alone.message}` });
    }
  });

  it.each([
    [`'nobody', 'plain', '{}'`, 'P0002', /tenant 'nobody' to exist/],
    [`$1, 'nothing', '{}'`, 'P0002', /job type 'nothing' to exist/],
    [`$1, 'plain', null`, '22023', /expected payloads to be an array, got null/],
    [`$1, 'plain', array['1', '2']::jsonb[], queues => array['a']`, '22023', /queues to have 2 .*got 1$/],
    [`$1, 'plain', array['1']::jsonb[], tags => '["a", "b"]'`, '22023', /tags to have 1 .*got 2$/],
    [`$1, 'plain', array['1']::jsonb[], tags => '{}'`, '22023', /tags to be an array.*got object/],
    [`$1, 'plain', array['1']::jsonb[], tags => '["a"]'`, '22023', /^\/runs\/0: expected tags.*got string/],
  ])('refuses %s', async (args, code, message) => {
    const client = await openClient(database.url);
    const asked = call(client, args, args.includes('$1') ? [await tenantWithJobs(database.db)] : []);
    expect(await refusal(asked)).toEqual({ code, message: expect.stringMatching(message) as string });
  });

  it('makes none of none', async () => {
    const client = await openClient(database.url);
    expect(await call(client, `$1, 'plain', '{}'`, [await tenantWithJobs(database.db)])).toEqual([]);
  });

  it('takes over keys of runs that have ended and windows that are over, and names the first key that is held', async () => {
    const client = await openClient(database.url);
    const tenant = await tenantWithJobs(database.db);
    const keys = ['ended', 'over', 'held'];
    const args = `$1, 'plain', array['1', '2', '3']::jsonb[], unique_keys => $2, unique_windows => $3::interval[]`;
    const first = await call(client, args, [tenant, keys, [null, '1 hour', '1 hour']]);
    await client.query('delete from carillon.run where id = $1', [first[0]]);
    await client.query(`update carillon.unique_key set expires_at = clock_timestamp() where run_id = $1`, [
      first[1],
    ]);
    const second = await call(client, args, [tenant, keys, [null, null, null]]);
    expect(second.map((id) => first.indexOf(id))).toEqual([-1, -1, 2]);
    const refused = await refusal(
      call(client, `${args}, on_conflicts => array['return', null, 'reject']`, [
        tenant,
        keys,
        [null, null, null],
      ]),
    );
    expect(refused).toEqual({
      code: '23505',
      message: `/runs/2: expected unique_key 'held' to be free, got one that run ${first[2]} holds`,
    });
    const twice = refusal(
      call(
        client,
        `$1, 'plain', array['1', '2']::jsonb[], unique_keys => array['t', 't'], on_conflicts => array['return', 'reject']`,
        [tenant],
      ),
    );
    expect((await twice).message).toMatch(/^\/runs\/1: expected unique_key 't' to be free/);
  });

  it('keeps to the limit of runs that are not over, and names the first that is beyond it', async () => {
    const client = await openClient(database.url);
    const tenant = await tenantWithJobs(database.db, { maxQueued: 3 });
    const args = `$1, 'plain', array['1', '2', '3']::jsonb[], unique_keys => $2`;
    const [one] = await call(client, `$1, 'plain', array['1']::jsonb[], unique_keys => array['a']`, [tenant]);
    // One that is there already takes no place.
    expect((await call(client, args, [tenant, ['a', 'b', 'c']]))[0]).toBe(one);
    expect(await call(client, args, [tenant, ['a', 'b', 'c']])).toHaveLength(3);
    await client.query(`delete from carillon.run where unique_key = 'c'`);
    expect(await refusal(call(client, args, [tenant, ['a', 'c', 'd']]))).toEqual({
      code: '53400',
      message: `/runs/2: expected tenant '${tenant}' to have fewer than 3 runs that are not over, got as many`,
    });
  });

  it('reads no whole table', async () => {
    const client = await openClient(database.url);
    const tenant = await tenantWithJobs(database.db);
    await call(
      client,
      `$1, 'plain', array(select to_jsonb(n) from generate_series(1, 20000) n), unique_keys => array(select n::text from generate_series(1, 20000) n)`,
      [tenant],
    );
    for (const prepare of ['select 1', 'analyze carillon.run, carillon.unique_key']) {
      await client.query(prepare);
      await client.query('begin');
      // As often as it takes for plans that are kept.
      for (let n = 0; n < 7; n += 1)
        await call(
          client,
          `$1, 'in-order', array(select to_jsonb(n) from generate_series(1, 500) n), concurrency_keys => array(select 'k' from generate_series(1, 500)),
           unique_keys => array(select (19750 + n)::text from generate_series(1, 500) n)`,
          [tenant],
        );
      const { rows } = await client.query(
        `select relname, seq_scan::int as whole from pg_stat_xact_user_tables where relname in ('run', 'unique_key') order by relname`,
      );
      expect(rows).toEqual([
        { relname: 'run', whole: 0 },
        { relname: 'unique_key', whole: 0 },
      ]);
      await client.query('rollback');
    }
  });

  it('is given to roles by a grant, and what it calls to none', async () => {
    const client = await openClient(database.url);
    const { rows } = await client.query(
      `select proname, has_function_privilege('public', oid, 'execute') as open, prosecdef as "isDefiner"
         from pg_proc where pronamespace = 'carillon'::regnamespace and proname in ('enqueue_many', 'take_keys', 'first_unfit') order by proname`,
    );
    expect(rows).toEqual([
      { proname: 'enqueue_many', open: false, isDefiner: true },
      { proname: 'first_unfit', open: false, isDefiner: false },
      { proname: 'take_keys', open: false, isDefiner: false },
    ]);
  });
});
