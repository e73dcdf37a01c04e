// What can applications do with schedules by the client of the REST API, also where answers are lost or others change the
// same schedule? Against a real replica.
import { describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import { createClient } from '#client/http/client.js';
import type { ClientSchedule, ScheduleContent } from '#client/http/schedules/schedule-shapes.js';
import { InvalidPayloadError } from '#client/jobs/payload-check.js';
import { defineJob } from '#client/jobs/job-definition.js';
import { startHttpProxy } from '../../support/http-proxy.js';
import { useTestServer } from '../../support/test-server.js';
import { newName, patchSchedule, useTenant, type Schedule } from '../../support/test-tenant.js';

const server = useTestServer();
const tenant = useTenant(server);
const connect = (url = server.url) => createClient({ url, tenant: tenant.name, key: tenant.key });

const echo = defineJob({ name: 'echo', payload: z.object({ day: z.string() }) });
const payload = { day: 'today' };
const make = async (more: Partial<ScheduleContent<{ day: string }>> = {}) =>
  connect().schedules.create(echo, { name: newName('s'), cron: '0 3 * * *', payload, ...more });

it('has the fields that the API describes', () => {
  expectTypeOf<keyof ClientSchedule>().toEqualTypeOf<keyof Schedule>();
});

describe('one schedule', () => {
  it('is created, read and deleted', async () => {
    const { schedules } = connect();
    const name = newName('s');
    const at = new Date('2040-01-01T00:00:00Z');
    const content = {
      name,
      cron: '30 2 * * *',
      timeZone: 'Europe/Berlin',
      startAt: at,
      locks: ['books'],
      payload,
    };
    const created = await schedules.create(echo, content);
    expect(created).toMatchObject({
      name,
      spec: { cron: '30 2 * * *' },
      timeZone: 'Europe/Berlin',
      startAt: at.toISOString(),
      locks: [{ name: 'books', mode: 'exclusive', permits: 1 }],
      jobType: 'echo',
      payload,
      revision: 1,
    });
    expect(await schedules.get(name)).toEqual(created);
    await expect(schedules.create(echo, content)).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    await schedules.delete(name);
    await expect(schedules.get(name)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(schedules.delete(name)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('is applied again and again, and only what differs changes something', async () => {
    const { schedules } = connect();
    const content = { name: newName('s'), everySeconds: 3_600, payload };
    const first = await schedules.apply(echo, content);
    expect(await schedules.apply(echo, content)).toEqual(first);
    const second = await schedules.apply(echo, { ...content, tags: ['nightly'] }, { revision: 1 });
    expect(second).toMatchObject({ tags: ['nightly'], revision: 2 });
    const stale = schedules.apply(echo, content, { revision: 1 });
    await expect(stale).rejects.toMatchObject({ code: 'ETAG_MISMATCH', problem: { currentRevision: 2 } });
    await expect(stale).rejects.toThrow('read it again, and repeat the change');
    const other = { ...content, name: newName('s') };
    await expect(schedules.apply(echo, other, { revision: 1 })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('is changed by a patch, in which null stands for the default', async () => {
    const { schedules } = connect();
    const { name } = await make({ timeZone: 'Europe/Berlin', labels: { team: 'a', tier: 'b' }, priority: 3 });
    const patch = { cron: '0 4 * * *', labels: { team: null }, priority: null, payload: { day: 'tomorrow' } };
    expect(await schedules.update(name, patch)).toMatchObject({
      spec: { cron: '0 4 * * *' },
      timeZone: 'Europe/Berlin',
      labels: { tier: 'b' },
      priority: 0,
      payload: { day: 'tomorrow' },
      revision: 2,
    });
    expect(await schedules.update(name, { tags: ['a'] }, { revision: 2 })).toMatchObject({
      spec: { cron: '0 4 * * *' },
      revision: 3,
    });
    await expect(schedules.update(name, { tags: [] }, { revision: 2 })).rejects.toMatchObject({
      code: 'ETAG_MISMATCH',
    });
  });

  it('is changed by a function once more where another change comes between', async () => {
    const { name } = await make({ tags: ['a'] });
    const proxy = await startHttpProxy(server);
    const { schedules } = connect(proxy.url);
    const seen: unknown[] = [];
    const addTag = async ({ tags }: ClientSchedule) => {
      seen.push(tags);
      return { tags: [...tags, 'c'] };
    };
    const untilSeen = (times: number) => {
      proxy.way = async ({ method }) => {
        if (method === 'PATCH' && seen.length <= times)
          await patchSchedule(tenant, { name }, { tags: ['a', 'b'] }).expect(200);
        return 'open' as const;
      };
    };
    untilSeen(1);
    expect(await schedules.update(name, addTag)).toMatchObject({ tags: ['a', 'b', 'c'] });
    expect(seen).toEqual([['a'], ['a', 'b']]);
    untilSeen(100);
    await expect(schedules.update(name, addTag)).rejects.toMatchObject({ code: 'ETAG_MISMATCH' });
    expect(seen).toHaveLength(12);
  });

  it('is paused and resumed', async () => {
    const { schedules } = connect();
    const { name } = await make();
    const until = new Date('2040-01-01T00:00:00Z');
    expect(await schedules.pause(name, { reason: 'the bank is closed', until })).toMatchObject({
      state: 'paused',
      pauseReason: 'the bank is closed',
      pausedUntil: until.toISOString(),
    });
    expect(await schedules.pause(name)).toMatchObject({ state: 'paused', pausedUntil: null });
    expect(await schedules.resume(name)).toMatchObject({ state: 'active', pausedAt: null });
    await expect(schedules.resume(name)).rejects.toMatchObject({ code: 'INVALID_STATE' });
  });

  it('is run at once', async () => {
    const client = connect();
    const { name } = await make({ tags: ['nightly'] });
    const keyed = { payload: { day: 'tomorrow' }, idempotencyKey: newName('key') };
    const run = await client.schedules.run(name, keyed);
    expect(run).toMatchObject({ jobType: 'echo', schedule: name, tags: ['nightly'] });
    expect(await client.schedules.run(name, keyed)).toMatchObject({ id: run.id });
    expect(await client.result(run.id, { wait: 10 })).toMatchObject({ output: { day: 'tomorrow' } });
  });

  it('shows when it is due, and why', async () => {
    const { schedules } = connect();
    const { name } = await make({ timeZone: 'Europe/Berlin' });
    const ahead = { count: 2, after: new Date('2031-01-01T00:00:00Z') };
    const dueTimes = [{ dueAt: '2031-01-01T02:00:00.000Z' }, { dueAt: '2031-01-02T02:00:00.000Z' }];
    expect(await schedules.preview(name, ahead)).toMatchObject({ dueTimes });
    const draft = { cron: '0 3 * * *', timeZone: 'Europe/Berlin' };
    expect(await schedules.preview(draft, ahead)).toMatchObject({ dueTimes });
    expect(await schedules.explain(name, new Date('2031-01-01T02:00:00Z'))).toMatchObject({
      isDue: true,
      dueAfter: '2031-01-02T02:00:00.000Z',
      fire: null,
    });
  });
});

it('schedules are listed over pages, and found by what they say', async () => {
  const { schedules } = connect();
  const team = newName('t');
  // One more than a page has.
  const made = await Promise.all(
    Array.from({ length: 51 }, async () => (await make({ labels: { team } })).name),
  );
  const namesIn = async (filter: Parameters<typeof schedules.list>[0]) => {
    const names = [];
    for await (const { name } of schedules.list(filter)) names.push(name);
    return names;
  };
  expect(await namesIn({ labels: { team } })).toEqual(made.toSorted());
  expect(await namesIn({ labels: { team: null }, q: made[7] ?? '' })).toEqual([made[7]]);
  expect(await namesIn({ labels: { team }, state: 'paused' })).toEqual([]);
  expect(await namesIn({ labels: { team: 'another' }, jobType: 'echo' })).toEqual([]);
  for await (const { name } of schedules.list()) {
    expect(name).toBeTypeOf('string');
    break;
  }
});

describe('a call whose answer is lost', () => {
  it('is repeated where twice is as once', async () => {
    const proxy = await startHttpProxy(server);
    const { schedules } = connect(proxy.url);
    const deafOnce = () => {
      let lost = 0;
      proxy.way = () => ((lost += 1) === 1 ? 'deaf' : 'open');
    };
    const content = { name: newName('s'), everySeconds: 3_600, payload };
    deafOnce();
    expect(await schedules.create(echo, content)).toMatchObject({ revision: 1 });
    deafOnce();
    expect(await schedules.apply(echo, { ...content, priority: 1 })).toMatchObject({ revision: 2 });
    deafOnce();
    expect(await schedules.pause(content.name)).toMatchObject({ state: 'paused' });
    deafOnce();
    // It is told apart from one that was never there.
    await schedules.delete(content.name);
    await expect(schedules.get(content.name)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('is not repeated where it would be refused then', async () => {
    const proxy = await startHttpProxy(server);
    const { schedules } = connect(proxy.url);
    const { name } = await make();
    await connect().schedules.pause(name);
    proxy.way = () => 'deaf';
    const lost = { name: 'NoAnswer', mayHaveHappened: true };
    await expect(schedules.resume(name)).rejects.toMatchObject(lost);
    const { revision } = await connect().schedules.get(name);
    await expect(schedules.update(name, { priority: 1 }, { revision })).rejects.toMatchObject(lost);
    expect(proxy.asked).toBe(2);
    await expect(
      schedules.apply(echo, { name, everySeconds: 60, payload }, { revision }),
    ).rejects.toMatchObject(lost);
    expect(proxy.asked).toBe(3);
    await expect(schedules.run(name, { idempotencyKey: null })).rejects.toMatchObject(lost);
    expect(proxy.asked).toBe(4);
  });
});

it('what can not be right is refused before it is sent, by its name', async () => {
  const { schedules } = createClient({ url: 'http://127.0.0.1:1', tenant: 'a', key: 'k', timeoutSeconds: 1 });
  const create = async (content: object) => schedules.create(echo, { name: 'n', payload, ...content });
  await expect(create({ timezone: 'UTC' })).rejects.toThrow('option timezone; it is called timeZone');
  await expect(create({})).rejects.toThrow('expected exactly one of cron, everySeconds');
  await expect(create({ everySeconds: 0 })).rejects.toThrow(
    'expected everySeconds of schedule n of job echo',
  );
  await expect(create({ everySeconds: 60, tenants: ['a'] })).rejects.toThrow('expected no option tenants');
  await expect(create({ everySeconds: 60, payload: {} })).rejects.toThrow(InvalidPayloadError);
  await expect(schedules.update('n', { everySecond: 3 } as object)).rejects.toThrow(
    'it is called everySeconds',
  );
  await expect(schedules.update('n', { name: 'm' } as object)).rejects.toThrow('expected no option name');
  await expect(schedules.update('n', { cron: 'a', everySeconds: 1 })).rejects.toThrow('exactly one of cron');
  await expect(schedules.update('n', { startAt: new Date(Number.NaN) })).rejects.toThrow('expected startAt');
  await expect(schedules.update('n', {}, { revision: 0 })).rejects.toThrow('expected revision');
  await expect(schedules.update('n', () => ({}), { revision: 1 })).rejects.toThrow('beside a function');
  await expect(schedules.preview({ cron: 'a', tags: [] } as object)).rejects.toThrow(
    'expected no option tags',
  );
  await expect(schedules.preview({})).rejects.toThrow('expected exactly one of');
  await expect(schedules.explain('n', new Date(Number.NaN))).rejects.toThrow('expected at to be a Date');
  await expect(schedules.pause('n', { untl: 3 } as object)).rejects.toThrow('expected no option untl');
  await expect(schedules.get('..')).rejects.toThrow('expected the name of a schedule');
  expect(() => schedules.list({ label: 'a' } as object)).toThrow('it is called labels');
  expect(() => schedules.list({ labels: { 'a:b': null } })).toThrow('expected labels to have keys without');
});
