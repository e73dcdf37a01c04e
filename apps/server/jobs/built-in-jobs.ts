// Jobs for demos and tests: noop, echo, sleep, block, fail and record. record appends a line to a side log, which
// shows outside of the database which attempts really ran.
import { appendFileSync } from 'node:fs';
import { setTimeout as rest } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { z } from 'zod';
import { defineJob, type JobContext, type JobOf } from '#client/jobs/job-definition.js';
import { FatalError } from '#client/jobs/outcomes.js';
import { JobHandler } from '#client/jobs/job-handler.js';
import { systemClock } from '#database/runtime/system-clock.js';
import { ConfigError } from '#kernel/errors.js';
import type { ServerConfig } from '../settings/config.js';
import { CONFIG } from '../tokens.js';

const retry = { maxAttempts: 3, minSeconds: 1, maxSeconds: 10 };

const noop = defineJob({ name: 'noop', payload: z.unknown(), retry });
const echo = defineJob({ name: 'echo', payload: z.unknown(), retry });
const sleep = defineJob({
  name: 'sleep',
  payload: z.object({ ms: z.int().min(0).max(86_000_000) }),
  timeoutSeconds: 86_400,
  retry,
});
const fail = defineJob({
  name: 'fail',
  payload: z.object({
    message: z.string().default('failed as asked'),
    times: z.int().min(0).optional(),
    fatal: z.boolean().default(false),
  }),
  retry,
});
const block = defineJob({ name: 'block', payload: z.object({ ms: z.int().min(0).max(60_000) }), retry });
const record = defineJob({
  name: 'record',
  payload: z.record(z.string(), z.unknown()),
  retry: { ...retry, maxAttempts: 100 },
});

@Injectable()
export class BuiltInJobs {
  constructor(@Inject(CONFIG) private readonly config: ServerConfig) {}

  @JobHandler(noop)
  noop(): void {}

  @JobHandler(echo)
  echo(job: JobOf<typeof echo>): unknown {
    return job.payload;
  }

  @JobHandler(sleep)
  async sleep(job: JobOf<typeof sleep>, { signal }: JobContext): Promise<{ sleptMs: number }> {
    await rest(job.payload.ms, undefined, { signal });
    return { sleptMs: job.payload.ms };
  }

  /** Fails the first `times` attempts, or every one. */
  @JobHandler(fail)
  fail(job: JobOf<typeof fail>, { attempt }: JobContext): { attempts: number } {
    const { message, times, fatal } = job.payload;
    if (times !== undefined && attempt > times) return { attempts: attempt };
    throw fatal ? new FatalError(message) : new Error(message);
  }

  /** Blocks the whole process, like a handler that computes too long. */
  @JobHandler(block)
  block(job: JobOf<typeof block>): void {
    const endMs = systemClock.monotonicMs() + job.payload.ms;
    while (systemClock.monotonicMs() < endMs);
  }

  /** One line for each attempt, written before the run can be completed, in one append that no other line can split. */
  @JobHandler(record)
  record(job: JobOf<typeof record>, { runId, attempt, dueAt, tenant }: JobContext): void {
    const file = this.config.CARILLON_SIDE_LOG;
    if (file === undefined) throw new ConfigError('expected CARILLON_SIDE_LOG to name a file, got nothing');
    appendFileSync(
      file,
      `${JSON.stringify({ runId, attempt, dueAt, tenant, pid: process.pid, payload: job.payload })}\n`,
    );
  }
}
