// Is a result that comes too late told of, although nothing comes of it?
import { expect, it } from 'vitest';
import { z } from 'zod';
import { defineJob } from '#client/jobs/job-definition.js';
import { JobHandler } from '#client/jobs/job-handler.js';
import { expectProblem } from '../../../support/expect-problem.js';
import { readLines, registerWorker } from '../../../support/pull-worker.js';
import { useTestServer } from '../../../support/test-server.js';
import { createRun, finishedRun, secondsFromNow, useTenant } from '../../../support/test-tenant.js';
import { until } from '../../../support/until.js';

const deaf = defineJob({ name: 'deaf', payload: z.object({}) });
const end = Promise.withResolvers<string>();

class DeafJobs {
  @JobHandler(deaf)
  deaf(): Promise<string> {
    return end.promise;
  }
}

const server = useTestServer({ handlers: [DeafJobs], env: { CARILLON_STOP_GRACE_SECONDS: '0' } });
const tenant = useTenant(server);

const linesOf = (id: string) =>
  until('the log has it', async () => {
    const found = await readLines(tenant, id);
    return found.length > 0 && found;
  });

it("of a handler that was given up, in its run's log", async () => {
  const created = await createRun(tenant, { jobType: 'deaf', deadline: secondsFromNow(1) });
  expect(await finishedRun(tenant, created)).toMatchObject({ state: 'expired' });
  end.resolve('done at last');
  expect(await linesOf(created.id)).toMatchObject([
    {
      level: 'warn',
      attempt: 1,
      message: expect.stringMatching(/attempt was over \(deadline\).*\(succeeded\)/) as string,
    },
  ]);
});

it("of a worker whose lease has ended, in its run's log", async () => {
  const worker = await registerWorker(tenant);
  const created = await createRun(tenant, { jobType: worker.jobType });
  const lease = await worker.take();
  await worker.say(lease, 'fail', { error: { message: 'first' }, retryable: false }).expect(200);
  expectProblem(await worker.say(lease, 'complete', { output: 1 }), 'lease-lost');
  expect(await linesOf(created.id)).toMatchObject([
    { level: 'warn', attempt: 1, message: expect.stringContaining('"complete" came too late') as string },
  ]);
});
