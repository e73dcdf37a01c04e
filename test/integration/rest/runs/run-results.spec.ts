// What does a run show of what its handler did? Handlers return and throw any value; all of it must
// end up in the run's own record, and nothing of it may disturb another run.
import { Injectable } from '@nestjs/common';
import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineJob, type JobContext, type JobOf } from '#client/jobs/job-definition.js';
import { JobHandler } from '#client/jobs/job-handler.js';
import { useTestServer } from '../../../support/test-server.js';
import { createJobType, createTenant, finish, useTenant } from '../../../support/test-tenant.js';

const cyclic: Record<string, unknown> = {};
cyclic['self'] = cyclic;

const RETURNED: Readonly<Record<string, () => unknown>> = {
  nothing: () => undefined,
  null: () => null,
  text: () => 'done',
  zero: () => 0,
  date: () => new Date('2026-11-21T08:30:00Z'),
  function: () => () => 1,
  nan: () => Number.NaN,
  bigint: () => 10n,
  cycle: () => cyclic,
  nul: () => ({ text: 'a\0b', list: ['\0'] }),
  'nul-name': () => ({ 'a\0b': 1 }),
  surrogate: () => ({ text: 'a\ud83cb' }),
  'just-fits': () => 'x'.repeat(262_142),
  'too-big': () => 'x'.repeat(262_143),
  deep: () => JSON.parse(`${'['.repeat(5_000)}${']'.repeat(5_000)}`) as unknown,
  toJSON: () => ({ toJSON: () => ({ shown: true }) }),
  'broken-to-json': () => ({
    toJSON: () => {
      throw new Error('no JSON today');
    },
  }),
  later: () => Promise.resolve({ later: true }),
};

const THROWN: Readonly<Record<string, () => unknown>> = {
  text: () => 'just text',
  nothing: () => undefined,
  object: () => ({ code: 7 }),
  nul: () => new Error('a\0b'),
  surrogate: () => new Error('a\ud83cb'),
  'cut-surrogate': () => new Error(`${'x'.repeat(1_999)}🎼`),
  long: () => new Error('x'.repeat(100_000)),
  'nul-name': () => Object.assign(new Error('named'), { name: 'a\0b' }),
  'no-prototype': () => Object.create(null) as object,
  'message-is-a-number': () => Object.assign(new Error('gone'), { message: 5 }),
  'name-is-an-object': () => Object.assign(new Error('gone'), { name: {} }),
};

const payload = z.object({
  returns: z.string().default('nothing'),
  throws: z.string().optional(),
  times: z.int().default(100).describe('How often it throws.'),
});
const odd = defineJob({ name: 'odd', payload });

@Injectable()
class OddJobs {
  @JobHandler(odd)
  odd({ payload: { returns, throws, times } }: JobOf<typeof odd>, { attempt }: JobContext): unknown {
    // oxlint-disable-next-line typescript/only-throw-error -- handlers may throw anything, which is the point here
    if (throws !== undefined && attempt <= times) throw THROWN[throws]?.();
    return RETURNED[returns]?.();
  }
}

const server = useTestServer({ handlers: [OddJobs] });
const tenant = useTenant(server);

beforeAll(async () => {
  const retry = { maxAttempts: 2, backoff: 'fixed', minSeconds: 0.001, maxSeconds: 0.001, jitter: 0 };
  await createJobType(tenant, {
    name: 'once',
    target: { kind: 'handler', handler: 'odd' },
    retry: { ...retry, maxAttempts: 1 },
  });
  await createJobType(tenant, { name: 'twice', target: { kind: 'handler', handler: 'odd' }, retry });
});

describe('a handler that returns', () => {
  it.each([
    ['nothing', null],
    ['null', null],
    ['text', 'done'],
    ['zero', 0],
    ['date', '2026-11-21T08:30:00.000Z'],
    ['function', null],
    ['nan', null],
    ['toJSON', { shown: true }],
    ['later', { later: true }],
    ['just-fits', 'x'.repeat(262_142)],
  ])('%s succeeds', async (returns, output) => {
    const run = await finish(tenant, { jobType: 'once', payload: { returns } });
    expect(run).toMatchObject({ state: 'succeeded', error: null });
    expect(run.output).toEqual(output);
  });

  it('text that the database can not hold succeeds with the rest of it', async () => {
    expect(await finish(tenant, { jobType: 'once', payload: { returns: 'nul' } })).toMatchObject({
      state: 'succeeded',
      output: { text: 'a\ufffdb', list: ['\ufffd'] },
    });
    expect(await finish(tenant, { jobType: 'once', payload: { returns: 'surrogate' } })).toMatchObject({
      state: 'succeeded',
      output: { text: 'a\ufffdb' },
    });
    expect(await finish(tenant, { jobType: 'once', payload: { returns: 'nul-name' } })).toMatchObject({
      state: 'succeeded',
      output: { 'a\ufffdb': 1 },
    });
  });

  it.each([
    ['too-big', /at most 262144 bytes/],
    ['bigint', /BigInt/],
    ['cycle', /circular/],
    ['broken-to-json', /no JSON today/],
  ])('%s has done its work, so it fails for good and says why', async (returns, message) => {
    const run = await finish(tenant, { jobType: 'twice', payload: { returns } });
    expect(run).toMatchObject({ state: 'failed', attempt: 1, output: null, error: { name: 'UnfitOutput' } });
    expect(run.error?.message).toMatch(message);
  });

  it('what is nested deeper than the database reads ends like every other run', async () => {
    expect(['succeeded', 'failed']).toContain(
      (await finish(tenant, { jobType: 'once', payload: { returns: 'deep' } })).state,
    );
  });
});

describe('a handler that throws', () => {
  const shown = {
    text: { name: 'NonError', message: /just text/ },
    nothing: { name: 'NonError', message: /undefined/ },
    object: { name: 'NonError', message: /got \{"code":7\}/ },
    nul: { name: 'Error', message: /^a\ufffdb$/ },
    surrogate: { name: 'Error', message: /^a\ufffdb$/ },
    'cut-surrogate': { name: 'Error', message: /^x{1999}\ufffd?$/ },
    long: { name: 'Error', message: /^x{2000}$/ },
    'nul-name': { name: 'a\ufffdb', message: /^named$/ },
    'no-prototype': { name: 'NonError', message: /./ },
    'message-is-a-number': { name: 'Error', message: /./ },
    'name-is-an-object': { name: expect.any(String) as string, message: /gone/ },
  };

  it.each(Object.keys(THROWN) as (keyof typeof shown)[])(
    '%s, at its last attempt, leaves a failed run that tells of it',
    async (throws) => {
      const run = await finish(tenant, { jobType: 'once', payload: { throws } });
      expect(run).toMatchObject({ state: 'dead-lettered', attempt: 1, error: { name: shown[throws].name } });
      expect(run.error?.message).toMatch(shown[throws].message);
    },
  );

  it('whatever it was, and returns at the next attempt, succeeds', async () => {
    const runs = await Promise.all(
      Object.keys(THROWN).map((throws) =>
        finish(tenant, { jobType: 'twice', payload: { throws, times: 1, returns: 'text' } }),
      ),
    );
    for (const run of runs) {
      expect(run).toMatchObject({
        state: 'succeeded',
        attempt: 2,
        output: 'done',
        pastAttempts: [{ attempt: 1, outcome: 'failed' }],
      });
    }
  });
});

it('whatever the handlers did, the replica goes on serving others', async () => {
  const other = await createTenant(server);
  expect(await finish(other, { jobType: 'echo', payload: 'still here' })).toMatchObject({
    state: 'succeeded',
    output: 'still here',
  });
});
