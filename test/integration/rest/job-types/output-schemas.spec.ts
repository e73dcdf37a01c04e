// Does what a run brings fit the schema of its job type, or fail the run for good and say where?
import { Injectable } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { sql } from 'kysely';
import { z } from 'zod';
import { defineJob } from '#client/jobs/job-definition.js';
import { JobHandler } from '#client/jobs/job-handler.js';
import { watchLoop } from '../../../support/loop-watch.js';
import { openDatabase } from '../../../support/rows.js';
import { useTestServer } from '../../../support/test-server.js';
import { createJobType, finish, useTenant } from '../../../support/test-tenant.js';

const counted = defineJob({
  name: 'counted',
  payload: z.unknown(),
  output: z.object({ words: z.int(), note: z.string().default('none') }),
  heartbeatSeconds: 30,
});

@Injectable()
class CountingJobs {
  @JobHandler(counted)
  counted({ payload }: { payload: unknown }): never {
    return payload as never; // which may not fit
  }
}

const server = useTestServer({ handlers: [CountingJobs] });
const tenant = useTenant(server);

describe("a handler's output", () => {
  it('is stored as its schema makes it', async () => {
    const run = await finish(tenant, { jobType: 'counted', payload: { words: 3, more: 1 } });
    expect(run).toMatchObject({ state: 'succeeded', output: { words: 3, note: 'none' } });
  });

  it.each([
    [{ words: 'three' }, '/words'],
    [null, '/'],
  ])('%j that does not fit fails for good', async (payload, place) => {
    const run = await finish(tenant, { jobType: 'counted', payload });
    expect(run).toMatchObject({
      state: 'failed',
      attempt: 1,
      output: null,
      error: { name: 'InvalidOutput' },
    });
    expect(run.error?.message).toContain(`the output does not fit job counted: ${place}: `);
  });

  it('is described with its job type', async () => {
    const { body } = await tenant.api.get(`${tenant.path}/job-types/counted`).expect(200);
    expect(body).toMatchObject({
      heartbeatSeconds: 30,
      outputSchema: { type: 'object', properties: { words: { type: 'integer' } } },
    });
  });
});

describe("an output that a tenant's job type has a JSON Schema for", () => {
  const withSchema = async (outputSchema: object): Promise<string> => {
    const { name } = await createJobType(tenant, {
      target: { kind: 'handler', handler: 'echo' },
      retry: { maxAttempts: 3 },
      heartbeatSeconds: 5,
    });
    const json = JSON.stringify(outputSchema);
    await sql`update carillon.job_type set output_schema = ${json}::jsonb where name = ${name}`.execute(
      openDatabase(server.databaseUrl),
    );
    return name;
  };
  const schema = {
    type: 'object',
    properties: { words: { type: 'integer', minimum: 0 } },
    required: ['words'],
  };

  it('passes when it fits', async () => {
    const jobType = await withSchema(schema);
    expect(await finish(tenant, { jobType, payload: { words: 3 } })).toMatchObject({ state: 'succeeded' });
  });

  it.each([
    [schema, { words: -1 }, '/words: '],
    [schema, {}, '/words: expected a value'],
    [{ type: 'nothing' }, {}, 'expected an output schema of job type'],
  ])('fails for good otherwise, and says where: %j', async (outputSchema, payload, message) => {
    const run = await finish(tenant, { jobType: await withSchema(outputSchema), payload });
    expect(run).toMatchObject({ state: 'failed', attempt: 1, error: { name: 'InvalidOutput' } });
    expect(run.error?.message).toContain(message);
  });

  it('holds nobody up with a pattern that backtracks without end (I9)', async () => {
    const jobType = await withSchema({ type: 'string', pattern: '^(a+)+$' });
    const loop = watchLoop();
    const run = await finish(tenant, { jobType, payload: `${'a'.repeat(40)}!` });
    loop.stop();
    expect(run).toMatchObject({ state: 'failed', error: { name: 'InvalidOutput' } });
    expect(loop.longestMs()).toBeLessThan(250);
  });
});
