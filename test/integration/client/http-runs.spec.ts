// What can applications do with runs by the client of the REST API, beside creating one? Against a real replica.
import { describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import { createClient } from '#client/http/client.js';
import { InvalidPayloadError } from '#client/jobs/payload-check.js';
import { defineJob } from '#client/jobs/job-definition.js';
import { useTestServer } from '../../support/test-server.js';
import { newName, useTenant } from '../../support/test-tenant.js';

const server = useTestServer();
const tenant = useTenant(server);
const connect = () => createClient({ url: server.url, tenant: tenant.name, key: tenant.key });

const Order = z.object({ order: z.int() });
const echo = defineJob({ name: 'echo', payload: Order, output: Order });

describe('enqueueAll()', () => {
  const ordersFrom = (first: number, count: number) =>
    Array.from({ length: count }, (_, place) => ({ payload: { order: first + place } }));

  it('creates many runs, with their ids in their order', async () => {
    const client = connect();
    const runs = await client.enqueueAll(echo, ordersFrom(1, 5));
    expect(runs.map(({ created }) => created)).toEqual([true, true, true, true, true]);
    const results = await Promise.all(runs.map(({ id }) => client.result(id, { wait: 10 })));
    expect(results.map(({ output }) => output?.order)).toEqual([1, 2, 3, 4, 5]);
    expect(await client.enqueueAll(echo, [])).toEqual([]);
  });

  it('says which run was there', async () => {
    const client = connect();
    const unique = { key: newName('unique') };
    const [first] = await client.enqueueAll(echo, [{ payload: { order: 1 }, unique, delaySeconds: 600 }]);
    const again = await client.enqueueAll(echo, [
      { payload: { order: 2 }, unique },
      { payload: { order: 3 }, priority: 3 },
    ]);
    expect(again).toMatchObject([{ id: first?.id, created: false }, { created: true }]);
  });

  it('is done once for a key', async () => {
    const client = connect();
    const keyed = { idempotencyKey: newName('key') };
    const first = await client.enqueueAll(echo, ordersFrom(1, 3), keyed);
    expect(await client.enqueueAll(echo, ordersFrom(1, 3), keyed)).toEqual(first);
    await expect(client.enqueueAll(echo, ordersFrom(1, 2), keyed)).rejects.toMatchObject({
      code: 'IDEMPOTENCY_KEY_REUSED',
    });
  });

  it('names the run that a replica refuses, with its field, and creates none', async () => {
    const key = newName('unique');
    const runs = [
      { payload: { order: 1 }, unique: { key } },
      { payload: { order: 2 }, tags: ['ok', ''] },
    ];
    await expect(connect().enqueueAll(echo, runs)).rejects.toMatchObject({
      code: 'VALIDATION_FAILED',
      errors: [{ pointer: '/runs/1/tags/1' }],
    });
    expect(await connect().enqueueAll(echo, runs.slice(0, 1))).toMatchObject([{ created: true }]);
  });

  it('creates the others, where it is told to', async () => {
    const runs = [
      { payload: { order: 1 } },
      { payload: { order: 2 }, tags: [''] },
      { payload: { order: 3 } },
    ];
    const results = await connect().enqueueAll(echo, runs, { mode: 'per-item' });
    expect(results).toMatchObject([
      { created: true },
      { id: null, created: false, error: { code: 'VALIDATION_FAILED', pointer: '/runs/1/tags/0' } },
      { created: true },
    ]);
  });

  it('refuses what can not be right before it is sent, by its place', async () => {
    const client = createClient({ url: 'http://127.0.0.1:1', tenant: 'acme', key: 'k', timeoutSeconds: 1 });
    const all = async (runs: unknown, options = {}): Promise<unknown> =>
      client.enqueueAll(echo, runs as { payload: { order: number } }[], options);
    const good = { payload: { order: 1 } };
    const misfit = all([good, { payload: { order: 'x' } }]);
    await expect(misfit).rejects.toThrow(InvalidPayloadError);
    await expect(misfit).rejects.toThrow('/runs/1/payload/order: ');
    await expect(all([good, { ...good, prioritty: 3 }])).rejects.toThrow(
      'expected no option runs[1].prioritty; it is called priority',
    );
    await expect(all([{ ...good, unique: { keys: 'a' } }])).rejects.toThrow('option runs[0].unique.keys');
    await expect(all([good, null])).rejects.toThrow('expected runs[1] to be an object');
    await expect(all('abc')).rejects.toThrow('expected runs to be a list of at most 10000, got string');
    await expect(all(Array.from({ length: 10_001 }, () => good))).rejects.toThrow(
      'got 10001: make several calls',
    );
    await expect(all([good], { mode: 'some' })).rejects.toThrow('expected mode to be one of');
    await expect(all([good], { modes: 'some' })).rejects.toThrow('expected no option modes');
    const large = { payload: { order: 1 }, tags: ['x'.repeat(2_000)] };
    await expect(all(Array.from({ length: 10_000 }, () => large))).rejects.toThrow(
      'expected runs to be at most 16777216 bytes',
    );
  });
});

it('the id of a run remembers the output of its job', () => {
  const client = connect();
  const typed = async () => (await client.result((await client.enqueue(echo, { order: 1 })).id)).output;
  expectTypeOf(typed).returns.resolves.toEqualTypeOf<{ order: number } | null>();
  const many = async () => client.enqueueAll(echo, []);
  expectTypeOf<Awaited<ReturnType<typeof many>>[0]['created']>().toEqualTypeOf<boolean>();
  const read = async () => (await client.result('a text')).output;
  expectTypeOf(read).returns.resolves.toBeUnknown();
  // @ts-expect-error: a payload of another type
  const wrong = () => client.enqueueAll(echo, [{ payload: { order: 'x' } }]);
  expect([typed, read, wrong]).toHaveLength(3);
});
