// Can a lock be had in a caller's own transaction, and does a stale holder's commit fail? These are the functions that
// callers use from SQL.
import pg from 'pg';
import { beforeEach, describe, expect, it } from 'vitest';
import { addTenant, openClient } from '../../support/rows.js';
import { useTestDatabase } from '../../support/test-database.js';

const used = useTestDatabase({ per: 'file' });
const { db } = used;

let tenant: string;
let number = 0;
beforeEach(async () => {
  tenant = `t-${(number += 1)}`;
  await addTenant(db, tenant);
});

const one = async <Value>(client: pg.Client, call: string, values: unknown[]): Promise<Value> => {
  const { rows } = await client.query<{ value: Value }>(`select ${call} as value`, values);
  return (rows[0] ?? expect.unreachable('expected a row')).value;
};
const tryLock = (client: pg.Client, holder: string, more = '') =>
  one<string | null>(client, `carillon.try_lock($1, 'door', $2${more})`, [tenant, holder]);
const release = (client: pg.Client, token: string | null) =>
  one<boolean>(client, `carillon.release_lock($1, 'door', $2)`, [tenant, token]);
const check = (client: pg.Client, token: string | null) =>
  one<unknown>(client, `carillon.check_lock($1, 'door', $2)`, [tenant, token]);
const endLease = async (): Promise<void> => {
  const admin = await openClient(used.url);
  await admin.query(
    `update carillon.lock_hold set expires_at = clock_timestamp() - interval '1 ms' where name = 'door'`,
  );
};

it('is tried, renewed and released by its token', async () => {
  const client = await openClient(used.url);
  const token = await tryLock(client, 'me');
  expect(token).not.toBeNull();
  expect(await tryLock(client, 'you')).toBeNull();
  expect(await one(client, `carillon.renew_lock($1, 'door', $2, '1 hour')`, [tenant, token])).toBe(true);
  expect(await release(client, token)).toBe(true);
  expect(await release(client, token)).toBe(false);
  expect(await one(client, `carillon.renew_lock($1, 'door', $2)`, [tenant, token])).toBe(false);
  expect(Number(await tryLock(client, 'you'))).toBeGreaterThan(Number(token));
});

it('is had by no one if the transaction that has tried it is rolled back', async () => {
  const [client, other] = [await openClient(used.url), await openClient(used.url)];
  await client.query('begin');
  const token = await tryLock(client, 'me');
  await client.query('rollback');
  expect(Number(await tryLock(other, 'you'))).toBeGreaterThan(Number(token));
});

describe('a transaction that has checked its lock', () => {
  let writer: pg.Client;
  let token: string | null;
  beforeEach(async () => {
    writer = await openClient(used.url);
    await writer.query('create table if not exists public.ledger (tenant text, entry text)');
    token = await tryLock(writer, 'me');
    await writer.query('begin');
    await check(writer, token);
    await writer.query('insert into public.ledger values ($1, $2)', [tenant, 'mine']);
  });
  const entries = async (): Promise<number> =>
    (await (await openClient(used.url)).query('select from public.ledger where tenant = $1', [tenant]))
      .rowCount ?? 0;

  it('commits while the lock is held', async () => {
    await writer.query('commit');
    expect(await entries()).toBe(1);
    expect(await db.selectFrom('lock_check').select('id').execute()).toEqual([]);
  });

  it('does not commit when its lease has ended meanwhile', async () => {
    await endLease();
    await expect(writer.query('commit')).rejects.toThrow(
      `expected lock 'door' to be held with token ${token}, got one that has expired or was released`,
    );
    expect(await entries()).toBe(0);
  });

  it('does not commit when another holds the lock by then, and never keeps the other waiting', async () => {
    await endLease();
    const other = await openClient(used.url);
    expect(Number(await tryLock(other, 'you'))).toBeGreaterThan(Number(token));
    await expect(writer.query('commit')).rejects.toThrow('expected lock');
    expect(await entries()).toBe(0);
  });

  it('commits after it was renewed', async () => {
    const other = await openClient(used.url);
    expect(await one(other, `carillon.renew_lock($1, 'door', $2)`, [tenant, token])).toBe(true);
    await writer.query('commit');
    expect(await entries()).toBe(1);
  });

  it('may release it itself: the lock is free with the commit', async () => {
    expect(await release(writer, token)).toBe(true);
    await writer.query('commit');
    expect(await entries()).toBe(1);
    expect(await tryLock(writer, 'you')).not.toBeNull();
  });

  it('commits nothing if what it releases was lost before', async () => {
    await endLease();
    expect(await release(writer, token)).toBe(false);
    await expect(writer.query('commit')).rejects.toThrow('expected lock');
    expect(await entries()).toBe(0);
  });
});

it('can not be checked with a token that holds it no more', async () => {
  const client = await openClient(used.url);
  const token = await tryLock(client, 'me');
  await release(client, token);
  await expect(check(client, token)).rejects.toMatchObject({ code: '55000' });
  await expect(check(client, null)).rejects.toThrow(`expected lock 'door' to be held with token null`);
});

it.each([
  [
    `$1, 'Door', 'me'`,
    `expected name to be 1 to 100 lower-case letters, digits, dots, dashes or underscores, got 'Door'`,
  ],
  [`$1, null, 'me'`, 'expected name to be 1 to 100'],
  [`$1, 'door', ''`, 'expected holder to have 1 to 200 characters, got 0'],
  [`$1, 'door', null`, 'expected holder to have 1 to 200 characters, got null'],
  [`$1, 'door', 'me', '0.5 s'`, 'expected lease to be from 1 second to 24 hours, got 00:00:00.5'],
  [`$1, 'door', 'me', lease => null`, 'expected lease to be from 1 second to 24 hours, got null'],
  [`$1, 'door', 'me', mode => 'write'`, `expected mode to be exclusive, shared or permits, got 'write'`],
  [`$1, 'door', 'me', permits => 2`, 'expected permits to be 1, or more with mode permits, got 2'],
  [`$1, 'door', 'me', permits => null`, 'expected permits to be 1, or more with mode permits, got null'],
  [`$1, 'door', 'me', reentrant => null`, 'expected reentrant to be true or false, got null'],
  [`$1, 'door', 'me', mode => 'permits'`, 'expected a semaphore named door, found none'],
  [`$1 || 'x', 'door', 'me'`, 'to exist, found none'],
])('says what is wrong with %s', async (args, message) => {
  const client = await openClient(used.url);
  await expect(one(client, `carillon.try_lock(${args})`, [tenant])).rejects.toThrow(message);
});

it('is refused to a suspended tenant, which may release what it has', async () => {
  const client = await openClient(used.url);
  const token = await tryLock(client, 'me');
  await db
    .updateTable('tenant')
    .set({ state: 'suspended' })
    .where('name', '=', tenant as never)
    .execute();
  await expect(tryLock(client, 'you')).rejects.toThrow(
    `expected tenant '${tenant}' to be active, got one that is suspended`,
  );
  expect(await release(client, token)).toBe(true);
});
