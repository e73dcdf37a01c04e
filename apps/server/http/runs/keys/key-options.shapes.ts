// The shapes of what a run may say beside its keys: what becomes of it while another run of its concurrency key is
// running, and how calls with one debounce key become one run.
import { z } from 'zod';
import {
  DEBOUNCE_DELAY_SECONDS,
  DEBOUNCE_KEY_MAX,
  DEBOUNCE_MAX_DELAY_SECONDS,
} from '#kernel/keys/debounce-bounds.js';
import {
  effectiveDefaults,
  KEY_WAITING_MAX,
  OVERLAP_KEY_MAX,
  overlapOf,
  readOverlapKey,
  type KeyOverlap,
} from '#kernel/keys/key-overlap.js';

const modes = ['skip', 'queue', 'replace', 'latest'] as const;

export const keyOverlapInput = z
  .strictObject({
    mode: z
      .enum(['allow', ...modes])
      .describe(
        'While another run of the concurrencyKey is running: follow maxConcurrentPerKey alone; do not run; wait for it; cancel it and run; wait for it, and end those that waited before. With all but `allow`, runs of the key run one at a time.',
      ),
    max: z
      .int()
      .min(1)
      .max(KEY_WAITING_MAX)
      .optional()
      .describe('With mode queue: at most so many wait, and more do not run. Default: no bound.'),
  })
  .superRefine(({ mode, max }, context) => {
    if (max !== undefined && mode !== 'queue')
      context.addIssue({
        code: 'custom',
        path: ['max'],
        message: 'expected it only with mode queue',
        input: max,
      });
  });

export const orderInput = z
  .enum(['any', 'strict'])
  .describe(
    'strict: runs of the concurrencyKey run one at a time, in their order; none starts while an earlier one is to be tried again, or has failed for good. Default: any.',
  );

export const keyOverlap = z.object({ mode: z.enum(modes), max: z.int().optional() });

/** Comes out as it is stored: null where it says nothing. */
export const keyDefaultsInput = z
  .strictObject({ overlap: keyOverlapInput.optional(), order: orderInput.optional() })
  .superRefine(({ overlap, order }, context) => {
    if (order === 'strict' && overlap !== undefined)
      context.addIssue({
        code: 'custom',
        path: ['overlap'],
        message: 'expected it to be left out beside order strict',
        input: overlap,
      });
  })
  .nullable()
  .transform(effectiveDefaults)
  .describe('For runs that name a concurrencyKey and say neither overlap nor order themselves.');

export const keyDefaults = z.object({
  overlap: keyOverlap.optional(),
  order: z.literal('strict').optional(),
});

export const debounceInput = z
  .strictObject({
    key: z.string().min(1).max(DEBOUNCE_KEY_MAX).describe('One run of the job type waits under a key.'),
    delaySeconds: z
      .number()
      .min(DEBOUNCE_DELAY_SECONDS.min)
      .max(DEBOUNCE_DELAY_SECONDS.max)
      .describe('The run starts so long after the last call.'),
    maxDelaySeconds: z
      .number()
      .min(DEBOUNCE_DELAY_SECONDS.min)
      .max(DEBOUNCE_MAX_DELAY_SECONDS)
      .describe('No later than so long after the first call; not less than delaySeconds.'),
  })
  .superRefine(({ delaySeconds, maxDelaySeconds }, context) => {
    if (maxDelaySeconds < delaySeconds)
      context.addIssue({
        code: 'custom',
        path: ['maxDelaySeconds'],
        message: `expected at least delaySeconds (${delaySeconds})`,
        input: maxDelaySeconds,
      });
  });

interface GivenKeys {
  concurrencyKey?: string | undefined;
  overlap?: z.output<typeof keyOverlapInput> | undefined;
  order?: z.output<typeof orderInput> | undefined;
  debounce?: object | undefined;
  runAt?: unknown;
  delaySeconds?: unknown;
  unique?: unknown;
}

/** Refuses what has no meaning without a key, or beside another one. */
export function checkKeys(given: GivenKeys, context: z.RefinementCtx): void {
  const refuse = (field: keyof GivenKeys, message: string) =>
    context.addIssue({ code: 'custom', path: [field], message, input: given[field] });
  const { concurrencyKey, overlap, order, debounce } = given;
  if (order !== undefined && concurrencyKey === undefined)
    refuse('order', 'expected it only beside concurrencyKey');
  if (order === 'strict' && overlap !== undefined && (overlap.mode !== 'queue' || overlap.max !== undefined))
    refuse('overlap', 'expected it to be left out, or mode queue without max, beside order strict');
  if (order !== undefined && overlap === undefined && (concurrencyKey?.length ?? 0) > OVERLAP_KEY_MAX)
    refuse('concurrencyKey', `expected at most ${OVERLAP_KEY_MAX} characters beside order`);
  if (overlap !== undefined && concurrencyKey === undefined)
    refuse('overlap', 'expected it only beside concurrencyKey');
  if (overlap !== undefined && (concurrencyKey?.length ?? 0) > OVERLAP_KEY_MAX)
    refuse('concurrencyKey', `expected at most ${OVERLAP_KEY_MAX} characters beside overlap`);
  if (debounce === undefined) return;
  for (const field of ['runAt', 'delaySeconds', 'unique'] as const)
    if (given[field] !== undefined) refuse(field, `expected no ${field} beside debounce`);
}

/** The key as its user gave it, and what was said beside it. */
export function showKey(stored: string | null): {
  concurrencyKey: string | null;
  overlap: { mode: KeyOverlap['mode']; max?: number } | null;
  order: 'strict' | null;
} {
  const own = readOverlapKey(stored);
  return {
    concurrencyKey: own?.key ?? stored,
    overlap: showOverlap(overlapOf(stored)),
    order: own?.isStrict === true ? 'strict' : null,
  };
}

function showOverlap(overlap: KeyOverlap | undefined) {
  if (overlap === undefined) return null;
  if (overlap.mode !== 'queue') return { mode: overlap.mode };
  return { mode: overlap.mode, ...(overlap.max === null ? {} : { max: overlap.max }) };
}
