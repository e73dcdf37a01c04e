// Can a worker say anything that the API has no answer for? For any request the answer is a success or a problem that
// blames the request.
import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import type { ProblemType } from '#server/http/problems/problem.js';
import { expectProblem } from '../../../support/expect-problem.js';
import { registerWorker, type PullWorker } from '../../../support/pull-worker.js';
import { json, name, nearly, number, text } from '../../../support/request-arbitraries.js';
import { useTestServer } from '../../../support/test-server.js';
import { createRun, useTenant } from '../../../support/test-tenant.js';

let worker: PullWorker;
let token: string;

const server = useTestServer();
const tenant = useTenant(server);

beforeAll(async () => {
  worker = await registerWorker(tenant);
  await createRun(tenant, { jobType: worker.jobType });
  ({ token } = await worker.take());
});

const jobTypes = fc.array(nearly({ name, leaseSeconds: number, timeoutSeconds: number }), { maxLength: 2 });
const error = fc.oneof(nearly({ name: text, message: text, stack: text }), json);
const BODIES: readonly [path: string, body: fc.Arbitrary<unknown>][] = [
  [
    'workers:register',
    nearly({ name: text, concurrency: number, labels: fc.dictionary(text, text), jobTypes }),
  ],
  ['leases:acquire', nearly({ workerId: fc.uuid(), jobTypes: fc.array(name), max: number, requestId: text })],
  [':heartbeat', nearly({ progress: nearly({ fraction: number, message: text }), details: json })],
  ['/logs', json],
  [':snooze', nearly({ seconds: fc.oneof(number, text) })],
  [':cancel', nearly({ error })],
  [':fail', nearly({ error, retryable: fc.boolean(), retryAfterSeconds: number })],
];

it.each(BODIES)('%s has an answer to every body', async (path, body) => {
  const below = /^[:/]/.test(path) ? `leases/${token}${path}` : path;
  await fc.assert(
    fc.asyncProperty(fc.oneof({ weight: 3, arbitrary: body }, json), async (given) => {
      const request = tenant.api.post(`${tenant.path}/worker/${below}`);
      const response = await request
        .type(path === '/logs' ? 'application/x-ndjson' : 'json')
        .send(JSON.stringify(given));
      if (response.status < 300) return;
      expect(response.status, response.text).toBeLessThan(500);
      const { type } = response.body as { type?: string };
      expectProblem(response, String(type).replace('/problems/', '') as ProblemType); // checked against the status in there
    }),
    { numRuns: 200 },
  );
});

it('every token has an answer', async () => {
  await fc.assert(
    fc.asyncProperty(fc.stringMatching(/^[\w.~-]{1,80}$/), async (given) => {
      const response = await tenant.api.post(`${tenant.path}/worker/leases/${given}:complete`).send({});
      if (!['.', '..'].includes(given)) expectProblem(response, 'lease-lost');
    }),
    { numRuns: 100 },
  );
});
