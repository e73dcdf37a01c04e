// Is a run that fails tried again as its job type says, with every attempt on record?
import { describe, expect, it } from 'vitest';
import { useTestServer } from '../../../support/test-server.js';
import {
  createJobType,
  createRun,
  finish,
  listRuns,
  readRun,
  useTenant,
} from '../../../support/test-tenant.js';
import { until } from '../../../support/until.js';

const server = useTestServer();
const tenant = useTenant(server);

describe('a run that fails', () => {
  const quickly = (maxAttempts: number) =>
    createJobType(tenant, {
      target: { kind: 'handler', handler: 'fail' },
      retry: { maxAttempts, backoff: 'fixed', minSeconds: 0.001, maxSeconds: 0.001, jitter: 0 },
    });

  it('is tried again until its attempts are used up, and every attempt is shown', async () => {
    const { name } = await quickly(3);
    const run = await finish(tenant, { jobType: name, payload: { message: 'no luck' } });
    expect(run).toMatchObject({
      state: 'dead-lettered',
      attempt: 3,
      output: null,
      error: { name: 'Error', message: 'no luck' },
    });
    expect(run.pastAttempts).toMatchObject([
      { attempt: 1, outcome: 'failed', replica: run.replica, error: { message: 'no luck' } },
      { attempt: 2, outcome: 'failed', replica: run.replica, error: { message: 'no luck' } },
    ]);
  });

  it('is tried again as soon as its delay is over, and not when somebody looks next', async () => {
    const { name } = await quickly(21);
    const run = await finish(tenant, { jobType: name });
    expect(run).toMatchObject({ state: 'dead-lettered', attempt: 21 });
    expect(run.pastAttempts.every(({ replicaName }) => replicaName === 'under-test')).toBe(true);
    const ends = run.pastAttempts.map(({ finishedAt }) => Date.parse(String(finishedAt)));
    const gapsMs = ends.slice(1).map((end, index) => end - (ends[index] ?? Number.NaN));
    // Looks are a second apart, and only those few that a busy machine delays may be so far from each other.
    expect(Math.min(...gapsMs)).toBeLessThan(900);
  });

  it('and then works is a success that shows what failed before', async () => {
    const { name } = await quickly(5);
    const run = await finish(tenant, { jobType: name, payload: { times: 2 } });
    expect(run).toMatchObject({ state: 'succeeded', attempt: 3, output: { attempts: 3 }, error: null });
    expect(run.pastAttempts.map(({ attempt, outcome }) => `${attempt} ${outcome}`)).toEqual([
      '1 failed',
      '2 failed',
    ]);
  });

  it('for good is not tried again', async () => {
    const { name } = await quickly(5);
    const run = await finish(tenant, { jobType: name, payload: { fatal: true, message: 'hopeless' } });
    expect(run).toMatchObject({
      state: 'failed',
      attempt: 1,
      pastAttempts: [],
      error: { name: 'FatalError', message: 'hopeless' },
    });
  });

  it('is retrying between its attempts', async () => {
    const { name } = await createJobType(tenant, {
      target: { kind: 'handler', handler: 'fail' },
      retry: { maxAttempts: 2, backoff: 'fixed', minSeconds: 3600, maxSeconds: 3600, jitter: 0 },
    });
    const { id } = await createRun(tenant, { jobType: name });
    const retrying = await until('it has failed once', async () => {
      const run = await readRun(tenant, id);
      return run.pastAttempts.length > 0 && run;
    });
    expect(retrying).toMatchObject({ state: 'retrying', attempt: 2, startedAt: null, finishedAt: null });
    expect(Date.parse(retrying.runAt)).toBeGreaterThan(Date.now() + 3_000_000);
    expect((await listRuns(tenant, '?state=retrying')).map((run) => run.id)).toEqual([id]);
  });
});
