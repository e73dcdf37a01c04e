// Does `runs logs` show each line of a run's log, as it comes with --follow, and all that are there without?
import { Injectable } from '@nestjs/common';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { defineJob, type JobContext, type JobOf } from '#client/jobs/job-definition.js';
import { JobHandler } from '#client/jobs/job-handler.js';
import { callCarillon, type Circumstances } from '../../support/cli-call.js';
import { useTestServer } from '../../support/test-server.js';
import { createRun, finish, useTenant } from '../../support/test-tenant.js';
import { until } from '../../support/until.js';

const talking = defineJob({ name: 'talking', payload: z.object({ lines: z.int(), waits: z.boolean() }) });
/** Lets the run that waits go on. */
const gate = Promise.withResolvers<void>();

@Injectable()
class TalkingJob {
  @JobHandler(talking)
  async talk({ payload }: JobOf<typeof talking>, { log }: JobContext): Promise<void> {
    for (let line = 1; line <= payload.lines; line += 1) log.info({ line }, `line ${line}`);
    if (!payload.waits) return;
    await gate.promise;
    log.warn('the last');
  }
}

const server = useTestServer({ handlers: [TalkingJob] });
const tenant = useTenant(server);
const call = (args: readonly string[], more: Circumstances = {}) =>
  callCarillon(['runs', 'logs', ...args], {
    env: { CARILLON_URL: server.url, CARILLON_KEY: tenant.key },
    ...more,
  });

it('follows a run to its end, line by line', async () => {
  const { id } = await createRun(tenant, { jobType: 'talking', payload: { lines: 1, waits: true } });
  // The run ends only once its first line has been seen.
  const called = await call([id, '-f'], { onPrint: () => gate.resolve() });
  expect(called.out).toMatch(/^\S+Z\tinfo\tline 1\t\{"line":1\}\n\S+Z\twarn\tthe last\t\n$/);
  expect(called.code).toBe(0);
});

it('shows what is there, however much', async () => {
  const { id } = await finish(tenant, { jobType: 'talking', payload: { lines: 1_001, waits: false } });
  // The lines are written some moments after the end of the run.
  const lines = await until('all lines are there', async () => {
    const { out } = await call([id, '-o', 'ndjson']);
    const shown = out
      .trim()
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as { message: string });
    return shown.length >= 1_001 && shown;
  });
  expect(lines).toHaveLength(1_001);
  // The log is full then, which its last line says.
  expect(lines.at(-1)?.message).toContain('expected at most 1000 lines');
});
