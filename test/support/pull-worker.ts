// What does a test need of a worker that pulls? The protocol's calls, one function each, spoken by hand so that a test
// may leave any of them out. Answers are parsed with the API's own shapes.
import { randomUUID } from 'node:crypto';
import type { Test } from 'supertest';
import { z } from 'zod';
import { logPage } from '#server/http/logs/run-log.shapes.js';
import * as shapes from '#server/http/workers/worker.shapes.js';
import { createJobType, newName, type TestTenant } from './test-tenant.js';

export type Acquired = z.output<typeof shapes.acquired>['leases'][number];

export interface PullWorker {
  readonly workerId: string;
  readonly jobType: string;
  acquire(wish?: object): Promise<Acquired[]>;
  /** One lease, which there must be. */
  take(wish?: object): Promise<Acquired>;
  /** A word about a lease, e.g. `complete`. */
  say(lease: { token: string }, word: string, body?: object): Test;
}

/** Registers a worker for a job type of its own, unless one is named. */
export async function registerWorker(
  tenant: TestTenant,
  { jobType = newName('pulled'), ...wish }: { jobType?: string; [field: string]: unknown } = {},
): Promise<PullWorker> {
  const { api, path } = tenant;
  const jobTypes = [
    { name: jobType, retry: { maxAttempts: 3, minSeconds: 0.001, maxSeconds: 0.001 }, ...wish },
  ];
  const { body } = await api
    .post(`${path}/worker/workers:register`)
    .send({ name: 'test', jobTypes })
    .expect(200);
  const { workerId } = shapes.registeredWorker.parse(body);
  const acquire = async (wished: object = {}): Promise<Acquired[]> => {
    const asked = { workerId, jobTypes: [jobType], waitSeconds: 10, requestId: randomUUID(), ...wished };
    const answer = await api.post(`${path}/worker/leases:acquire`).send(asked).expect(200);
    return shapes.acquired.parse(answer.body).leases;
  };
  return {
    workerId,
    jobType,
    acquire,
    take: async (wished) => {
      const [lease] = await acquire(wished);
      if (lease === undefined) throw new Error('expected a lease, got none');
      return lease;
    },
    say: (lease, word, sent = {}) => api.post(`${path}/worker/leases/${lease.token}:${word}`).send(sent),
  };
}

/** A job type whose runs are offered to workers. */
export async function createPulledJobType(tenant: TestTenant, wish: object = {}): Promise<string> {
  const { name } = await createJobType(tenant, { target: { kind: 'pull' }, ...wish });
  return name;
}

/** What the run's log says so far. */
export async function readLines(
  { api, path }: TestTenant,
  runId: string,
): Promise<z.output<typeof logPage>['items']> {
  const { body } = await api.get(`${path}/runs/${runId}/logs`).expect(200);
  return logPage.parse(body).items;
}

export async function namesOfWorkers({ api, path }: TestTenant): Promise<string[]> {
  const { body } = await api.get(`${path}/worker/workers`).expect(200);
  const { items } = z.object({ items: z.array(z.looseObject({ name: z.string() })) }).parse(body);
  return items.map(({ name }) => name);
}
