// In which order do one tenant's runs start? By priority, then by age, as soon as there is room. The replica
// here runs one at a time, and a run that the test holds keeps it busy while the others queue up.
import { Injectable } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineJob, type JobContext, type JobOf } from '#client/jobs/job-definition.js';
import { JobHandler } from '#client/jobs/job-handler.js';
import { startTestServer, type TestServer } from '../../../support/test-server.js';
import {
  createRun,
  createTenant,
  finishedRun,
  listRuns,
  readRun,
  type Run,
  type TestTenant,
} from '../../../support/test-tenant.js';
import { until } from '../../../support/until.js';

const hold = defineJob({ name: 'hold', payload: z.unknown() });
const note = defineJob({ name: 'note', payload: z.int() });
let release: () => void = () => undefined;
let noted: number[] = [];

@Injectable()
class HoldingJobs {
  @JobHandler(hold)
  async hold(_job: unknown, { signal }: JobContext): Promise<void> {
    await new Promise<void>((resolve) => {
      release = resolve;
      signal.addEventListener('abort', () => resolve());
    });
  }

  @JobHandler(note)
  note({ payload }: JobOf<typeof note>): void {
    noted.push(payload);
  }
}

const PRIORITIES = [0, 5, -5, 100, 0, -100, 5];
/** Higher first, and of the same the older one. */
const EXPECTED = [3, 1, 6, 0, 4, 2, 5];

let server: TestServer;
let tenant: TestTenant;

async function occupy(): Promise<Run> {
  const holder = await createRun(tenant, { jobType: 'hold' });
  await until('the replica is busy', async () => (await readRun(tenant, holder.id)).state === 'running');
  return holder;
}

/** A claimed run shows the replica that has taken it. */
const untilClaimed = (run: Run) =>
  until('the run is claimed', async () => (await readRun(tenant, run.id)).replica !== null);

async function orderOf(
  priorities: readonly number[],
  between: (run: Run) => Promise<unknown>,
): Promise<number[]> {
  await occupy();
  noted = [];
  const runs = [];
  for (const [payload, priority] of priorities.entries()) {
    const run = await createRun(tenant, { jobType: 'note', payload, priority });
    await between(run);
    runs.push(run);
  }
  release();
  await Promise.all(runs.map((run) => finishedRun(tenant, run)));
  return noted;
}

describe('a replica that holds no more than it runs', () => {
  beforeAll(async () => {
    server = await startTestServer({
      env: { CARILLON_MAX_RUNNING: '1', CARILLON_MAX_HELD: '1' },
      handlers: [HoldingJobs],
    });
    tenant = await createTenant(server);
  });
  afterAll(() => server.stop());

  it('starts the runs of a tenant by priority, and among equals the oldest first', async () => {
    expect(await orderOf(PRIORITIES, async () => undefined)).toEqual(EXPECTED);
  });

  it('shows one run as running, and the others as queued', async () => {
    const holder = await occupy();
    const waiting = [await createRun(tenant), await createRun(tenant, { priority: 1 })];
    expect((await listRuns(tenant, '?state=running')).map(({ id }) => id)).toEqual([holder.id]);
    expect((await listRuns(tenant, '?state=queued')).map(({ id }) => id)).toEqual(
      waiting.map(({ id }) => id).toReversed(),
    );
    release();
    for (const run of waiting) await finishedRun(tenant, run);
  });
});

describe('a replica that holds many in advance', () => {
  beforeAll(async () => {
    server = await startTestServer({ env: { CARILLON_MAX_RUNNING: '1' }, handlers: [HoldingJobs] });
    tenant = await createTenant(server);
  });
  afterAll(() => server.stop());

  it('starts a run of higher priority before those that it claimed earlier', async () => {
    expect(await orderOf([0, 5, -5, 100], untilClaimed)).toEqual([3, 1, 0, 2]);
  });
});
