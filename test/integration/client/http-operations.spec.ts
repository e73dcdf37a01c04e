// What can applications do with long work by the client of the REST API: start it, watch it, wait for it, and end it?
// Against a real replica.
import { expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import { createClient } from '#client/http/client.js';
import type { ClientOperation } from '#client/http/operations.js';
import { defineJob } from '#client/jobs/job-definition.js';
import { startHttpProxy } from '../../support/http-proxy.js';
import type { ShownOperation } from '../../support/operations.js';
import { useTestServer } from '../../support/test-server.js';
import { listRuns, newName, useTenant } from '../../support/test-tenant.js';

const server = useTestServer();
const tenant = useTenant(server, { per: 'test' });
const connect = (url = server.url) => createClient({ url, tenant: tenant.name, key: tenant.key });

const echo = defineJob({ name: 'echo', payload: z.object({}) });
const sleep = defineJob({ name: 'sleep', payload: z.object({ ms: z.int() }) });

const HOUR_MS = 3_600_000;
/** The last full hour that no planner has any more. */
const lastHourMs = Math.floor((Date.now() - 60_000) / HOUR_MS) * HOUR_MS;
const span = { from: new Date(lastHourMs - 4 * HOUR_MS), to: new Date(lastHourMs) };

it('an operation has the fields that the API describes', () => {
  expectTypeOf<keyof ClientOperation>().toEqualTypeOf<keyof ShownOperation>();
});

it('a backfill is counted, started once for its key, watched and waited for', async () => {
  const { schedules, operations } = connect();
  const { name } = await schedules.create(echo, { name: newName('s'), cron: '0 * * * *' });
  const counted = await schedules.backfill(name, { ...span, dryRun: true });
  expect(counted).toEqual({ dueTimes: 4, alreadyThere: 0, wouldRun: 4 });
  const keyed = { ...span, payload: { filled: true }, idempotencyKey: newName('key') };
  const started = await schedules.backfill(name, keyed);
  expect(started).toMatchObject({ kind: 'backfill', target: name, progress: { total: 4 }, endedAt: null });
  expect((await schedules.backfill(name, keyed)).id).toBe(started.id);
  const seen: ClientOperation[] = [];
  const ended = await operations.wait(started.id, { onProgress: (operation) => seen.push(operation) });
  expect(ended).toMatchObject({ state: 'succeeded', counts: { runsMade: 4 }, progress: { done: 4 } });
  expect(seen.at(-1)).toEqual(ended);
  expect(new Set(seen.map((each) => JSON.stringify([each.state, each.progress]))).size).toBe(seen.length);
  expect(await operations.get(started.id)).toEqual(ended);
  expect(await listRuns(tenant)).toMatchObject([1, 2, 3, 4].map(() => ({ payload: { filled: true } })));
});

it('a wait lives through lost answers, and ends with its signal', async () => {
  const { schedules } = connect();
  const { name } = await schedules.create(sleep, {
    name: newName('s'),
    cron: '0 * * * *',
    payload: { ms: 30_000 },
  });
  const { id } = await schedules.backfill(name, { ...span, maxUnfinished: 1 });
  const proxy = await startHttpProxy(server);
  const { operations } = connect(proxy.url);
  proxy.way = () => (proxy.asked % 2 === 0 ? 'open' : 'deaf');
  const abort = new AbortController();
  const waiting = operations.wait(id, {
    signal: abort.signal,
    onProgress: ({ progress }) => progress.done === 1 && abort.abort(new Error('enough')),
  });
  await expect(waiting).rejects.toThrow('enough');
  proxy.way = () => 'open';
  expect(await operations.cancel(id)).toMatchObject({ state: 'cancelled' });
  expect(await operations.wait(id)).toMatchObject({ state: 'cancelled', progress: { done: 1, total: 4 } });
  expect(await operations.cancel(id)).toMatchObject({ state: 'cancelled' });
  const ids = [];
  for await (const operation of operations.list()) ids.push(operation.id);
  expect(ids).toEqual([id]);
});

it('many schedules are paused and resumed, as many as are expected', async () => {
  const { schedules, operations } = connect();
  const labels = { team: 'billing' };
  for (const name of ['a', 'b']) await schedules.create(echo, { name, cron: '0 * * * *', labels });
  expect(await schedules.pauseAll({ labels }, { dryRun: true })).toEqual({ matching: 2 });
  const outdated = schedules.pauseAll({ labels }, { expectedCount: 1 });
  await expect(outdated).rejects.toMatchObject({ code: 'INVALID_STATE' });
  const until = new Date('2040-01-01T00:00:00Z');
  const paused = await schedules.pauseAll({ labels }, { expectedCount: 2, reason: 'closed', until });
  expect(await operations.wait(paused.id)).toMatchObject({ kind: 'pause-schedules', counts: { changed: 2 } });
  expect(await schedules.get('b')).toMatchObject({ pauseReason: 'closed', pausedUntil: until.toISOString() });
  const resumed = await schedules.resumeAll({ state: 'paused' }, { expectedCount: 2, catchUp: true });
  expect(await operations.wait(resumed.id)).toMatchObject({
    kind: 'catch-up-schedules',
    counts: { changed: 2 },
  });
});

it('what can not be right is refused before it is sent, by its name', async () => {
  const { schedules, operations } = createClient({ url: 'http://127.0.0.1:1', tenant: 'a', key: 'k' });
  await expect(operations.get('')).rejects.toThrow('expected the id of an operation');
  await expect(operations.wait('o', { onProgess: 1 } as object)).rejects.toThrow('it is called onProgress');
  await expect(operations.wait('o', { onProgress: 1 } as object)).rejects.toThrow(
    'onProgress to be a function',
  );
  const backfill = async (options: object) => schedules.backfill('s', { ...span, ...options });
  await expect(backfill({ from: new Date(Number.NaN) })).rejects.toThrow('expected from to be a Date');
  await expect(backfill({ dryrun: true })).rejects.toThrow('it is called dryRun');
  const pauseAll = async (filter: object, options: object) =>
    schedules.pauseAll(filter, { dryRun: true, ...options });
  await expect(pauseAll({ label: 'a' }, {})).rejects.toThrow(
    'expected no option filter.label; it is called labels',
  );
  await expect(pauseAll({}, { catchUp: true })).rejects.toThrow('expected no option catchUp');
});
