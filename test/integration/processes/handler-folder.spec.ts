// Do a user's own modules work in a real replica: importing 'carillon' from anywhere, in a thread, with a log that
// can be read; and what becomes of a replica whose handler throws behind its own back?
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { startTestReplica, type TestReplica } from '../../support/test-replica.js';
import { createTestDatabase } from '../../support/test-database.js';
import { until } from '../../support/until.js';

const MODULE = `
import { defineJob, handler } from 'carillon';
import { z } from 'zod';

const wordCount = defineJob({
  name: 'word.count',
  payload: z.object({ text: z.string() }),
  output: z.object({ words: z.int() }),
});
export const inProcess = handler(wordCount, ({ payload }, { log }) => {
  log.info({ length: payload.text.length }, 'counting');
  return { words: payload.text.split(' ').length };
});

const hash = defineJob({ name: 'hash', payload: z.object({ rounds: z.int() }), retry: { maxAttempts: 1 } });
export const inThread = handler(hash, ({ payload }, context) => {
  context.progress(0.5, 'half');
  context.log.warn('hot');
  let sum = 0;
  for (let round = 0; round < payload.rounds && !context.signal.aborted; round += 1) sum += round;
  return { sum };
}, { thread: true });

const misfit = defineJob({ name: 'misfit', payload: z.unknown(), output: z.object({ words: z.int() }) });
export const wrong = handler(misfit, () => ({ words: 'three' }));

const resume = defineJob({ name: 'resume', payload: z.unknown() });
export const resuming = handler(resume, (_job, { lastDetails, heartbeat, progress, log, attempt }) => {
  log.info('attempt ' + attempt);
  if (lastDetails !== null) return lastDetails;
  heartbeat({ page: 3 });
  progress(0.3);
  return new Promise(() => undefined);
});

const stray = defineJob({ name: 'stray', payload: z.unknown(), retry: { maxAttempts: 1 } });
const behind = () => new Promise(() => { setTimeout(() => { throw new Error('behind your back'); }, 10); });
export const strayInProcess = handler(stray, behind);
const contained = defineJob({ name: 'contained', payload: z.unknown(), retry: { maxAttempts: 1 } });
const floating = defineJob({ name: 'floating', payload: z.unknown(), retry: { maxAttempts: 1 } });
export const floatingRejection = handler(floating, async (_job, { signal }) => {
  void (async () => { await null; throw new Error('nobody awaits this'); })();
  await new Promise((resolve) => signal.addEventListener('abort', resolve));
});
const killer = defineJob({ name: 'killer', payload: z.unknown() });
export const killing = handler(killer, ({ payload }, { attempt }) => {
  if (attempt === 1 && payload.warns) throw new Error('about to go');
  process.exit(3);
});
export const strayInThread = handler(contained, behind, { thread: true });
`;

interface Run {
  id: string;
  state: string;
  attempt: number;
  output: unknown;
  error: { name: string; message: string } | null;
  progress: object | null;
  pastAttempts: { outcome: string }[];
}

let databaseUrl: string;
let folder: string;
beforeEach(async () => {
  const database = await createTestDatabase();
  databaseUrl = database.url;
  return () => database.drop();
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'carillon-users-'));
  await writeFile(join(folder, 'jobs.mjs'), MODULE);
  return () => rm(folder, { recursive: true });
});

const start = (name: string): Promise<TestReplica> =>
  startTestReplica({
    databaseUrl,
    name,
    sideLog: join(folder, 'side.log'),
    env: { CARILLON_HANDLERS: folder },
  });

async function finish(replica: TestReplica, jobType: string, payload: object = {}): Promise<Run> {
  const { id } = await replica.api<Run>('/api/v1/tenants/acme/runs', { jobType, payload });
  return replica.api<Run>(`/api/v1/tenants/acme/runs/${id}?wait=30`);
}

describe('a folder of handlers', () => {
  it('serves runs in the process and in threads, with logs, progress and checked outputs', async () => {
    const replica = await start('r1');
    await replica.api('/api/v1/tenants', { name: 'acme' });
    const counted = await finish(replica, 'word.count', { text: 'to be or not' });
    expect(counted).toMatchObject({ state: 'succeeded', output: { words: 4 } });
    const hashed = await finish(replica, 'hash', { rounds: 1_000 });
    expect(hashed).toMatchObject({
      state: 'succeeded',
      output: { sum: 499_500 },
      progress: { fraction: 0.5, message: 'half', attempt: 1 },
    });
    const logs = await until('both have been written', async () => {
      const read = (id: string) =>
        replica.api<{ items: object[] }>(`/api/v1/tenants/acme/runs/${id}/logs`).then(({ items }) => items);
      const lines = [...(await read(counted.id)), ...(await read(hashed.id))];
      return lines.length === 2 && lines;
    });
    expect(logs).toMatchObject([
      { level: 'info', message: 'counting', fields: { length: 12 } },
      { level: 'warn', message: 'hot' },
    ]);
    expect(await finish(replica, 'misfit')).toMatchObject({
      state: 'failed',
      attempt: 1,
      error: {
        name: 'InvalidOutput',
        message: expect.stringMatching(/does not fit job misfit: \/words: /) as string,
      },
    });
    expect(await finish(replica, 'contained')).toMatchObject({
      state: 'dead-lettered',
      error: { name: 'ThreadEnded', message: expect.stringMatching(/behind your back/) as string },
    });
    expect(await finish(replica, 'word.count', { text: 'still here' })).toMatchObject({
      output: { words: 2 },
    });
  });

  it('that holds a broken module keeps the replica from starting, and the module is named', async () => {
    await writeFile(join(folder, 'broken.mjs'), 'export const nothing = 1;');
    const failed = start('r1');
    await expect(failed).rejects.toThrow(/broken\.mjs: expected an export made by handler/);
    await expect(failed).rejects.not.toThrow(
      /partitions could not be maintained|driver has already been destroyed/,
    );
  });
});

it.each([
  ['of a mistake', "throw new Error('connection timeout while I read my settings');"],
  [
    'of an option',
    "import { defineJob } from 'carillon'; defineJob({ name: 'a', payload: {}, timeout: 2 });",
  ],
])(
  'a module that does not load because %s ends the start, though its error reads like the database',
  async (_, text) => {
    await writeFile(join(folder, 'broken.mjs'), text);
    await expect(start('r1')).rejects.toThrow(/broken\.mjs: expected a module that loads/);
  },
);

describe('an attempt whose replica is killed', () => {
  it('leaves its log, and its details for the next attempt', async () => {
    const killed = await start('r1');
    await killed.api('/api/v1/tenants', { name: 'acme' });
    const { id } = await killed.api<Run>('/api/v1/tenants/acme/runs', { jobType: 'resume', payload: {} });
    await until('it has said where it is', async () => {
      const { progress } = await killed.api<Run>(`/api/v1/tenants/acme/runs/${id}`);
      return progress !== null;
    });
    killed.signal('SIGKILL');
    await killed.exited;
    const next = await start('r2');
    expect(await next.api<Run>(`/api/v1/tenants/acme/runs/${id}?wait=30`)).toMatchObject({
      state: 'succeeded',
      attempt: 2,
      output: { page: 3 },
      progress: { fraction: 0.3, attempt: 1 },
    });
    const lines = await until('both attempts can be read', async () => {
      const { items } = await next.api<{ items: { replica: number }[] }>(
        `/api/v1/tenants/acme/runs/${id}/logs`,
      );
      return items.length === 2 && items;
    });
    expect(lines).toMatchObject([
      { attempt: 1, message: 'attempt 1' },
      { attempt: 2, message: 'attempt 2' },
    ]);
    expect(lines[0]?.replica).not.toBe(lines[1]?.replica);
  });
});

describe('a handler that throws behind its own back', () => {
  it.each([
    ['stray', 'behind your back'],
    ['floating', 'nobody awaits this'],
  ])('fails its attempt with that error, and its replica lives: %s', async (jobType, message) => {
    const replica = await start('r1');
    await replica.api('/api/v1/tenants', { name: 'acme' });
    expect(await finish(replica, jobType)).toMatchObject({
      state: 'dead-lettered',
      attempt: 1,
      error: { name: 'Error', message },
    });
    expect(await finish(replica, 'word.count', { text: 'still here' })).toMatchObject({
      output: { words: 2 },
    });
  });

  it('ends its replica when the error belongs to no attempt', async () => {
    await writeFile(
      join(folder, 'alone.mjs'),
      `${MODULE.split('const hash', 1).join('').replaceAll('word.count', 'other')}
       setTimeout(() => Promise.reject(new Error('of no attempt')), 3_000);`,
    );
    const replica = await start('r1');
    expect(await replica.exited).toBe(1);
    expect(replica.output()).toContain('of no attempt');
  });
});

describe('a handler that ends its replica', () => {
  it('goes to the dead letters once it has ended three', async () => {
    let replica = await start('r0');
    await replica.api('/api/v1/tenants', { name: 'acme' });
    const { id } = await replica.api<Run>('/api/v1/tenants/acme/runs', {
      jobType: 'killer',
      payload: { warns: true },
    });
    for (let death = 1; death <= 3; death += 1) {
      expect(await replica.exited).toBe(3);
      replica = await start(`r${death}`);
    }
    const run = await replica.api<Run>(`/api/v1/tenants/acme/runs/${id}?wait=60`);
    expect(run).toMatchObject({ state: 'dead-lettered', error: { name: 'Poison' } });
    expect(run.pastAttempts.map(({ outcome }) => outcome)).toEqual(['failed', 'lost', 'lost', 'lost']);
  });
});
