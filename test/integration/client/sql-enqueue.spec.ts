// Can a run come in from SQL? As one that comes through the API, with every mistake named.
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { parseExactJson } from '#kernel/json/exact-json.js';
import { asAdministrator, openClient } from '../../support/rows.js';
import { useTestServer } from '../../support/test-server.js';
import {
  createJobType,
  createTenant,
  finishedRun,
  newName,
  readRun,
  useTenant,
} from '../../support/test-tenant.js';

const server = useTestServer();
const tenant = useTenant(server);

const call = async (client: pg.Client, args: string, values: unknown[] = []) => {
  const { rows } = await client.query<{ id: string }>(`select carillon.enqueue(${args}) as id`, values);
  return rows[0]?.id ?? '';
};

describe('carillon.enqueue()', () => {
  it('creates a run that the API knows and an owner runs', async () => {
    const client = await openClient(server.databaseUrl);
    const id = await call(client, `$1, 'echo', '{"a": [1]}'`, [tenant.name]);
    expect(await finishedRun(tenant, { id })).toMatchObject({ id, state: 'succeeded', output: { a: [1] } });
  });

  it('checks no schema itself: what does not fit fails as it starts, and reaches nobody', async () => {
    const client = await openClient(server.databaseUrl);
    const { name } = await createJobType(tenant, {
      target: { kind: 'pull' },
      payloadSchema: { type: 'object', properties: { to: { type: 'string' } }, required: ['to'] },
    });
    const unfit = await call(client, `$1, $2, '{"to": 7}'`, [tenant.name, name]);
    expect(await finishedRun(tenant, { id: unfit })).toMatchObject({
      state: 'failed',
      attempt: 1,
      worker: null,
      error: { name: 'InvalidPayload', message: expect.stringContaining('/to: ') as string },
    });
    const asleep = await call(client, `$1, 'sleep', '{"ms": "x"}'`, [tenant.name]);
    expect(await finishedRun(tenant, { id: asleep })).toMatchObject({
      state: 'failed',
      attempt: 1,
      error: { name: 'InvalidPayload', message: expect.stringContaining('/ms: ') as string },
    });
  });

  it('takes everything that a run can have', async () => {
    const client = await openClient(server.databaseUrl);
    const id = await call(
      client,
      `$1, 'echo', '5', run_at => '2099-01-01Z', queue => 'mail', priority => -7, unique_key => $2,
       tags => array['a', 'b "c"'], concurrency_key => 'k', deadline => '2099-01-02Z'`,
      [tenant.name, newName('key')],
    );
    expect(await readRun(tenant, id)).toMatchObject({
      state: 'scheduled',
      payload: 5,
      runAt: '2099-01-01T00:00:00.000Z',
      deadline: '2099-01-02T00:00:00.000Z',
      queue: 'mail',
      priority: -7,
      tags: ['a', 'b "c"'],
      concurrencyKey: 'k',
    });
  });

  it('gives ids that are UUIDv7 and grow with time', async () => {
    const client = await openClient(server.databaseUrl);
    const { rows } = await client.query<{ id: string; ms: number; now: number }>(
      `select id, ('x' || translate(left(id::text, 13), '-', ''))::bit(48)::bigint::float8 as ms, extract(epoch from clock_timestamp())::float8 * 1000 as now
         from (select carillon.new_id() as id from generate_series(1, 1000)) made`,
    );
    for (const { id, ms, now } of rows) {
      expect(z.uuidv7().safeParse(id).success, id).toBe(true);
      expect(Math.abs(now - ms)).toBeLessThan(2_000);
    }
    expect(new Set(rows.map(({ id }) => id)).size).toBe(1_000);
  });

  it.each([
    ['an unknown tenant', `'nobody', 'noop'`, 'P0002', /tenant 'nobody' to exist/],
    ['no tenant', `null, 'noop'`, 'P0002', /tenant null/],
    ['an unknown job type', `$1, 'nobody.has-it'`, 'P0002', /job type 'nobody.has-it' to exist/],
    ['no payload', `$1, 'noop', null`, '22023', /payload.*got null/],
    [
      'a payload that is too large',
      `$1, 'noop', to_jsonb(repeat('x', 300000))`,
      '22023',
      /262144 bytes, got 300002/,
    ],
    [
      'an integer that no double holds',
      `$1, 'noop', '{"a": [9007199254740993]}'`,
      '22023',
      /9007199254740993$/,
    ],
    ['a number beyond all doubles', `$1, 'noop', '[-1e400]'`, '22023', /payload.*double.*got -10{58}…$/],
    [
      'a payload nested too deep',
      `$1, 'noop', (repeat('[', 101) || repeat(']', 101))::jsonb`,
      '22023',
      /payload.*100 levels/,
    ],
    ['a queue that is no name', `$1, 'noop', queue => 'No Name'`, '22023', /queue.*'No Name'/],
    ['no queue', `$1, 'noop', queue => null`, '22023', /queue.*null/],
    ['a priority above 100', `$1, 'noop', priority => 101`, '22023', /priority.*101/],
    ['an empty concurrency key', `$1, 'noop', concurrency_key => ''`, '22023', /concurrency_key.*got 0/],
    ['an empty tag', `$1, 'noop', tags => array['a', '']`, '22023', /tags/],
    ['a tag that is null', `$1, 'noop', tags => array[null]::text[]`, '22023', /tags/],
    ['the end of time', `$1, 'noop', run_at => 'infinity'`, '22023', /run_at/],
    ['a deadline before its instant', `$1, 'noop', deadline => '2001-01-01Z'`, '22023', /deadline/],
    ['an empty key', `$1, 'noop', unique_key => ''`, '22023', /unique_key/],
    ['a window of nothing', `$1, 'noop', unique_key => 'a', unique_window => '0'`, '22023', /unique_window/],
    ['another way', `$1, 'noop', on_conflict => 'replace'`, '22023', /on_conflict.*'replace'/],
  ])('refuses %s', async (_, args, code, message) => {
    const client = await openClient(server.databaseUrl);
    const refused = call(client, args, args.includes('$1') ? [tenant.name] : []);
    await expect(refused).rejects.toMatchObject({ code, message: expect.stringMatching(message) as string });
  });

  it('refuses the numbers that the API refuses, and no others', async () => {
    const client = await openClient(server.databaseUrl);
    await client.query('set extra_float_digits = -10');
    for (const text of [
      '9007199254740992',
      '-9007199254740993',
      '1152921504606847000',
      '1152921504606846976',
      '1e22',
      '10000000000000000000001',
      '1.7976931348623157e308',
      '1e309',
      '-1e400',
      '9007199254740993.5',
      '1e-400',
      '"9007199254740993"',
      `${'['.repeat(99)}{"a":[]}${']'.repeat(99)}`,
      '[]'.padStart(101, '['),
      `${'['.repeat(100)}7${']'.repeat(100)}`,
      `${'['.repeat(99)}{}${']'.repeat(99)}`,
      '179769313486231581e291',
    ].filter((given) => parseExactJson(given).kind !== 'malformed')) {
      const isTaken = await call(client, `$1, 'noop', $2, run_at => '2099-01-01Z'`, [tenant.name, text]).then(
        () => true,
        () => false,
      );
      expect({ text, isTaken }).toEqual({ text, isTaken: parseExactJson(text).kind === 'parsed' });
    }
  });

  it('refuses a tenant that is suspended, and one whose limit is reached', async () => {
    const client = await openClient(server.databaseUrl);
    const suspended = await createTenant(server);
    await client.query(`update carillon.tenant set state = 'suspended' where name = $1`, [suspended.name]);
    await expect(call(client, `$1, 'noop'`, [suspended.name])).rejects.toMatchObject({ code: '55000' });
    const limited = await createTenant(server);
    await client.query(`update carillon.tenant set limits = '{"maxQueued": 1}' where name = $1`, [
      limited.name,
    ]);
    const args = `$1, 'noop', run_at => '2099-01-01Z'`;
    await call(client, args, [limited.name]);
    await expect(call(client, args, [limited.name])).rejects.toMatchObject({ code: '53400' });
  });

  it.each([
    ["run_at => '10000-01-01Z'", 'run_at'],
    ["run_at => '0044-03-15 BC'", 'run_at'],
    ["deadline => '10000-01-01Z'", 'deadline'],
    ["deadline => '294276-12-31Z'", 'deadline'],
  ])('refuses %s, which no replica can write down, by its name', async (args, field) => {
    const client = await openClient(server.databaseUrl);
    await expect(call(client, `$1, 'noop', ${args}`, [tenant.name])).rejects.toMatchObject({
      message: expect.stringMatching(`${field}.*the years 1 to 9999`.replaceAll(' ', '.')) as string,
    });
  });

  it('keeps unique keys, beside the API and beside other transactions', async () => {
    const key = newName('key');
    const [client, other] = [await openClient(server.databaseUrl), await openClient(server.databaseUrl)];
    const args = `$1, 'noop', run_at => '2099-01-01Z', unique_key => $2`;
    await client.query('begin');
    const first = await call(client, args, [tenant.name, key]);
    const second = call(other, args, [tenant.name, key]); // waits for the first one's end
    await client.query('commit');
    expect(await second).toBe(first);
    const { body } = await tenant.api
      .post(`${tenant.path}/runs`)
      .send({ jobType: 'noop', unique: { key } })
      .expect(200);
    expect(body).toMatchObject({ id: first, deduplicated: true });
    await expect(call(client, `${args}, on_conflict => 'reject'`, [tenant.name, key])).rejects.toMatchObject({
      code: '23505',
      message: expect.stringContaining(first) as string,
    });
    const ended = newName('key');
    const one = await call(client, `$1, 'noop', unique_key => $2`, [tenant.name, ended]);
    await finishedRun(tenant, { id: one });
    expect(await call(client, `$1, 'noop', unique_key => $2`, [tenant.name, ended])).not.toBe(one);
  });

  it('is nobody’s until it is granted, and then needs no other right', async () => {
    const admin = await openClient(server.databaseUrl);
    const role = `app_${randomUUID().replaceAll('-', '')}`;
    await admin.query(`create role ${role}`);
    onTestFinished(async () => {
      const cleaner = new pg.Client({ connectionString: asAdministrator(server.databaseUrl) });
      await cleaner.connect();
      await cleaner.query(`drop owned by ${role}; drop role ${role}`);
      await cleaner.end();
    });
    await admin.query(`grant usage on schema carillon to ${role}`);
    const user = await openClient(server.databaseUrl);
    await user.query(`set role ${role}`);
    await expect(call(user, `$1, 'noop'`, [tenant.name])).rejects.toMatchObject({ code: '42501' });
    await admin.query(`grant execute on function carillon.enqueue to ${role}`);
    // What it finds on the caller's search path must not be taken for its own.
    await user.query(
      `create temporary table tenant as select 1; create function pg_temp.clock_timestamp() returns timestamptz language sql as $$ select 'infinity'::timestamptz $$; set search_path = pg_temp, carillon`,
    );
    const id = await call(user, `$1, 'noop'`, [tenant.name]);
    expect(await finishedRun(tenant, { id })).toMatchObject({ state: 'succeeded' });
    await expect(user.query('select * from carillon.run')).rejects.toMatchObject({ code: '42501' });
  });

  it('wakes the owner when it is asked to after the commit', async () => {
    const client = await openClient(server.databaseUrl);
    const listener = await openClient(server.databaseUrl);
    const heard = new Promise<string | undefined>((resolve) =>
      listener.on('notification', ({ payload }) => payload?.startsWith('work:') === true && resolve(payload)),
    );
    await listener.query('listen carillon');
    const { rows } = await client.query<{ slot: number }>(
      'select slot from carillon.tenant where name = $1',
      [tenant.name],
    );
    await client.query('select carillon.hint($1)', [tenant.name]);
    expect(await heard).toBe(`work:${rows[0]?.slot}`);
  });
});
