// What does a batch of runs look like from outside? Its runs are described here and checked one by one later, so
// that what is wrong with one of them can be told of that one alone.
import { z } from 'zod';
import { runInput } from './run.shapes.js';
import { checkedByPart } from '../requests/schema.pipe.js';

export const BATCH_SIZE_MAX = 10_000;

const { $schema: _dialect, ...describedRun } = z.toJSONSchema(runInput, {
  target: 'draft-2020-12',
  io: 'input',
  unrepresentable: 'any',
});

export const batchInput = checkedByPart(
  z.strictObject({
    mode: z
      .enum(['all-or-nothing', 'per-item'])
      .default('all-or-nothing')
      .describe('Whether one run that can not be created keeps the others out.'),
    runs: z
      .array(z.unknown().meta(describedRun))
      .min(1)
      .max(BATCH_SIZE_MAX, `expected at most ${BATCH_SIZE_MAX} runs`)
      .describe(
        'As for a single run. A payload may have 256 KiB, the whole body 16 MiB; of batches above 1 MiB, or compressed, one at a time for each tenant in each replica.',
      ),
  }),
);
export type BatchInput = z.output<typeof batchInput>;

const itemError = z.object({
  code: z
    .string()
    .describe('The constant of the problem that a single request would have been answered with.'),
  detail: z.string(),
  pointer: z.string().describe('RFC 6901, into the request body.'),
});

export const batchResult = z
  .object({
    created: z.int(),
    failed: z.int(),
    results: z.array(
      z.object({
        index: z.int().describe('The place in `runs`, counted from 0.'),
        id: z.uuid().optional(),
        deduplicated: z.boolean().optional(),
        replaced: z.boolean().optional(),
        error: itemError.optional(),
      }),
    ),
  })
  .meta({ id: 'RunBatchResult' });
export type BatchItem = z.output<typeof batchResult>['results'][number];
