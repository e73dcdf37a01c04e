// Is a run that a handler enqueues refused where no claim would find it in time?
import { expect, it } from 'vitest';
import { z } from 'zod';
import { defineJob } from '#client/jobs/job-definition.js';
import { systemClock } from '#database/runtime/system-clock.js';
import { ChildRuns } from './child-runs.js';

const job = defineJob({ name: 'child', payload: z.unknown() });
const children = new ChildRuns({ incarnation: null } as never, {} as never, systemClock);
const enqueue = (priority: number) => children.enqueueFrom({} as never)(job, null, { priority });

it.each([-101, 101, -32_768, 0.5, Number.NaN])('a priority of %s', async (priority) => {
  await expect(enqueue(priority)).rejects.toThrow(
    `expected priority to be a whole number from -100 to 100, got ${priority}`,
  );
});

it.each([-100, 0, 100])('but not one of %s', async (priority) => {
  await expect(enqueue(priority)).rejects.toThrow('expected this replica to be a member');
});
