// Are those who wait for a lock served in the order in which they came, and does a place last no longer than its waiter?
import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import type { ReplicaNumber } from '#kernel/ids.js';
import { keepPlace, leaveLine, lookAtPlaces } from '#locks/acquiring.repository.js';
import { held, useLocks, WAITS } from '../../support/locks.js';
import { useTestDatabase } from '../../support/test-database.js';

const { db } = useTestDatabase({ per: 'file' });
const locks = useLocks(db);
const { ask, hold, release } = locks;

const inLine = async (holder: string): Promise<number> => {
  const answer = await ask({ holder, waiting: WAITS });
  return answer.kind === 'waits' ? answer.ticket : expect.unreachable(`expected a place, got ${answer.kind}`);
};
const addReplica = async (): Promise<ReplicaNumber> => {
  const { number } = await db
    .insertInto('replica')
    .values({ incarnation: randomUUID(), name: 'r', host: 'h', pid: 1, version: '1', roles: ['api'] })
    .returning('number')
    .executeTakeFirstOrThrow();
  return number;
};
const ready = async (...tickets: number[]): Promise<number[]> => {
  const looks = await lookAtPlaces(
    db,
    tickets.map((ticket) => ({ tenantId: locks.tenantId, name: 'door', ticket })),
  );
  return looks.filter(({ isReady }) => isReady).map(({ ticket }) => ticket);
};

it('a line is served in the order in which its waiters came', async () => {
  const first = await hold();
  const tickets = [await inLine('a'), await inLine('b'), await inLine('c')];
  expect(tickets).toEqual(tickets.toSorted((a, b) => a - b));
  expect(await ready(...tickets)).toEqual([]);
  let now = first;
  for (const [index, holder] of ['a', 'b', 'c'].entries()) {
    await release(now);
    expect(await ready(...tickets)).toEqual([tickets[index]]);
    for (const later of ['c', 'b', 'a'].slice(0, 2 - index))
      expect((await ask({ holder: later, waiting: WAITS })).kind).toBe('waits');
    expect(await ask({ holder: 'new' })).toEqual({ kind: 'taken' });
    now = held(await ask({ holder, waiting: WAITS }));
  }
  await release(now);
  expect((await ask({ holder: 'new' })).kind).toBe('held');
});

it('a release tells at which replicas those wait who can be next, and of no dead one', async () => {
  const first = await hold();
  const [gone, one, two, three] = [
    await addReplica(),
    await addReplica(),
    await addReplica(),
    await addReplica(),
  ];
  const wait = async (holder: string, replica: ReplicaNumber, mode: 'exclusive' | 'shared') =>
    ask({ holder, mode, waiting: { ...WAITS, replica } });
  await wait('a', gone, 'exclusive');
  await wait('b', one, 'shared');
  await wait('c', two, 'shared');
  await wait('d', three, 'exclusive');
  await db.updateTable('replica').set({ state: 'dead' }).where('number', '=', gone).execute();
  const { nextAt } = await release(first);
  expect(nextAt.toSorted((x, y) => x - y)).toEqual([one, two]);
  const held = [await hold({ holder: 'b', mode: 'shared' }), await hold({ holder: 'c', mode: 'shared' })];
  for (const each of held) expect((await release(each)).nextAt).toEqual([three]);
});

it('a line keeps the place of a holder that asks again, and of one that said it would', async () => {
  const first = await hold();
  const a = await inLine('a');
  await inLine('b');
  expect(await inLine('a')).toBe(a);
  await keepPlace(db, { tenantId: locks.tenantId, holder: 'a', replica: null, ms: 60_000 });
  await release(first);
  expect(await ask({ holder: 'b', waiting: WAITS })).toMatchObject({ kind: 'waits' });
  expect((await ask({ holder: 'a', waiting: WAITS })).kind).toBe('held');
});

it('a line gives another place to a holder that wants something else', async () => {
  await hold();
  const a = await inLine('a');
  const other = await ask({ holder: 'a', mode: 'shared', waiting: WAITS });
  expect(other.kind === 'waits' && other.ticket).toBeGreaterThan(a);
});

it('a line keeps the place of a holder that asked another replica before the first one found that it was gone', async () => {
  const first = await hold();
  const [slow, other] = [await addReplica(), await addReplica()];
  const standing = { tenantId: locks.tenantId, holder: 'a' };
  const before = await ask({ holder: 'a', waiting: { ms: 60_000, replica: slow } });
  const now = await ask({ holder: 'a', waiting: { ms: 60_000, replica: other } });
  expect(now).toEqual(before);
  await inLine('b');
  await leaveLine(db, { ...standing, replica: slow });
  await keepPlace(db, { ...standing, replica: slow, ms: 0 });
  await release(first);
  expect((await ask({ holder: 'b', waiting: WAITS })).kind).toBe('waits');
  await leaveLine(db, { ...standing, replica: other });
  expect((await ask({ holder: 'b', waiting: WAITS })).kind).toBe('held');
});

it('a line passes over who has left it, whose time is up, and whose replica is gone', async () => {
  const first = await hold();
  await inLine('left');
  await leaveLine(db, { tenantId: locks.tenantId, holder: 'left', replica: null });
  await ask({ holder: 'late', waiting: { ms: 0, replica: null } });
  const number = await addReplica();
  await ask({ holder: 'orphan', waiting: { ms: 60_000, replica: number } });
  const last = await inLine('last');
  await release(first);
  expect(await ready(last)).toEqual([]);
  const setState = (state: 'dead' | 'draining', of: ReplicaNumber) =>
    db.updateTable('replica').set({ state }).where('number', '=', of).execute();
  await setState('draining', number);
  expect(await ready(last)).toEqual([]);
  await setState('dead', number);
  expect(await ready(last)).toEqual([last]);
  // Its caller asks another replica, and is first again.
  expect((await ask({ holder: 'orphan', waiting: WAITS })).kind).toBe('held');
});

it('a line says for how long its lock is held, and when it may be free', async () => {
  await hold({ leaseMs: 10_000 });
  const [look] = await lookAtPlaces(db, [
    { tenantId: locks.tenantId, name: 'door', ticket: await inLine('a') },
  ]);
  expect(look).toMatchObject({ isReady: false });
  expect(look?.heldMs).toBeGreaterThanOrEqual(0);
  expect(look?.expiresInMs).toBeGreaterThan(0);
  expect(look?.expiresInMs).toBeLessThanOrEqual(10_000);
});
