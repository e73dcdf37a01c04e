// The shape of an operation in answers.
import { z } from 'zod';
import type { Operation } from '#operations/operation.repository.js';
import { pageQuery } from '../answers/page-token.js';
import { instant } from '../requests/shapes.js';

export const operation = z
  .object({
    id: z.uuid(),
    kind: z
      .string()
      .describe('backfill, pause-schedules, resume-schedules, catch-up-schedules or catch-up-tenant.'),
    target: z.string().nullable().describe('The name of the schedule, of a backfill.'),
    state: z.enum(['pending', 'running', 'succeeded', 'failed', 'cancelled']),
    progress: z.object({
      done: z.int().describe('How many of its due times, or schedules, it has dealt with.'),
      total: z.int(),
    }),
    counts: z.record(z.string(), z.int()).describe('What became of them.'),
    error: z.string().nullable().describe('Why it failed.'),
    createdAt: instant,
    updatedAt: instant,
    endedAt: instant.nullable(),
  })
  .meta({ id: 'Operation' });

export const operationsQuery = z.strictObject(pageQuery);
export type OperationsQuery = z.output<typeof operationsQuery>;

export function showOperation({ done, total, ...row }: Operation) {
  return { ...row, progress: { done, total } };
}
