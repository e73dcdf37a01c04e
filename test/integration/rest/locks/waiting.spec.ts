// Is who waits for a lock served at once, in the order of coming, and by any replica?
import { expect, it } from 'vitest';
import { acquired } from '#server/http/locks/lock.shapes.js';
import { LoopTimers } from '#server/loop-timers.js';
import { expectProblem } from '../../../support/expect-problem.js';
import { restLocks } from '../../../support/rest-locks.js';
import { useTestServer } from '../../../support/test-server.js';
import { newName, useTenant } from '../../../support/test-tenant.js';

const server = useTestServer();
const other = useTestServer({ beside: server });
const tenant = useTenant(server);
const { path, ask, acquire, release, waiters } = restLocks(tenant);

it('who waits is served as soon as the lock is released, in the order of coming, by whichever replica', async () => {
  const name = newName('lock');
  let holding = await acquire(name);
  const order: string[] = [];
  const lines: Promise<void>[] = [];
  for (const [index, holder] of ['a', 'b', 'c', 'd'].entries()) {
    const api = (index % 2 === 0 ? server : other).as(tenant.key);
    const waiting = api.post(path(name, ':acquire')).send({ holder, waitSeconds: 50 });
    lines.push(
      (async () => {
        const { body } = await waiting.expect(200);
        order.push(holder);
        holding = acquired.parse(body);
      })(),
    );
    await waiters(name, index + 1);
  }
  for (const line of lines) {
    await release(holding);
    await line;
  }
  expect(order).toEqual(['a', 'b', 'c', 'd']);
});

it('who waits is served when the lease of a holder that says nothing ends', async () => {
  const name = newName('lock');
  const dead = await acquire(name, { leaseSeconds: 1 });
  const next = await acquire(name, { waitSeconds: 50 });
  expect(next.token).toBeGreaterThan(dead.token);
  expectProblem(await tenant.api.post(path(name, ':renew')).send({ token: dead.token }), 'lock-lost');
});

it('who waits is refused when the time is up, and delays no one behind', async () => {
  const name = newName('lock');
  const mine = await acquire(name);
  expectProblem(await ask(name, { waitSeconds: 0.2 }), 'lock-held');
  await waiters(name, 0);
  await release(mine);
  await acquire(name);
});

it('who waits keeps its place for its next request if it says so', async () => {
  const name = newName('lock');
  const mine = await acquire(name);
  expectProblem(await ask(name, { holder: 'first', waitSeconds: 0.2, keepPlace: true }), 'lock-held');
  await waiters(name, 1);
  await release(mine);
  expectProblem(await ask(name, { holder: 'second' }), 'lock-held');
  await acquire(name, { holder: 'first', waitSeconds: 50 });
});

it('who waits leaves the line when it hangs up', async () => {
  const name = newName('lock');
  const mine = await acquire(name);
  const hangUp = new AbortController();
  const gone = fetch(new URL(path(name, ':acquire'), server.url), {
    method: 'POST',
    headers: { authorization: `Bearer ${tenant.key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ holder: 'gone', waitSeconds: 50 }),
    signal: hangUp.signal,
  }).catch((error: unknown) => error);
  await waiters(name, 1);
  hangUp.abort();
  await gone;
  await waiters(name, 0);
  await release(mine);
  expect((await acquire(name)).token).toBeGreaterThan(mine.token);
});

it('who waits keeps its place when its replica stops', async () => {
  const name = newName('lock');
  const mine = await acquire(name);
  // Its answers stop with the file; what it leaves is a row with a place of some seconds.
  const leaving = other
    .as(tenant.key)
    .post(path(name, ':acquire'))
    .send({ holder: 'moved', waitSeconds: 50 });
  const left = leaving.then((answer) => answer);
  await waiters(name, 1);
  other.running.app.get(LoopTimers).stop();
  expectProblem(await left, 'lock-held');
  await waiters(name, 1);
  await release(mine);
  expectProblem(await ask(name, { holder: 'second' }), 'lock-held');
  await acquire(name, { holder: 'moved', waitSeconds: 50 });
});
