// The shapes of a batch of runs and its result. The runs are described here and checked one by one later, so that the
// mistakes of a run are reported for that run alone.
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
      .describe('Whether one run that cannot be created keeps the others from being created.'),
    runs: z
      .array(z.unknown().meta(describedRun))
      .min(1)
      .max(BATCH_SIZE_MAX, `expected at most ${BATCH_SIZE_MAX} runs`)
      .describe(
        'As for a single run. A payload may have 256 KiB, the whole body 16 MiB. Each replica reads one batch of a tenant at a time that is compressed or above 1 MiB.',
      ),
  }),
);
export type BatchInput = z.output<typeof batchInput>;

const itemError = z.object({
  code: z.string().describe('The code of the problem with which a single request would have been answered.'),
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
