// How is one act done to many runs? In bounded batches, each in a transaction of its own, until no run that matched at
// the beginning is left or a limit is reached. Finished batches stay finished, and the same request again continues. If
// another request takes the runs of a batch meanwhile, the next batch finds the rest.

import type { Clock } from '#kernel/clock.js';

/** One batch; resolves with how many runs it found and what it did to them. */
export type Batch = (limit: number) => Promise<{
  found: number;
  ended: number;
  requested?: number;
  passedOver?: number;
}>;

export interface BulkDone {
  kind: 'done';
  /** Moved to the table or state that was asked for. */
  ended: number;
  /** Runs whose replicas or workers were asked to do it. */
  requested: number;
  /** Runs that were left as they are, and that later batches did not find again. */
  passedOver: number;
  /** There may be more runs: repeat the request. */
  isCutShort: boolean;
}

/** 'outrun': nothing was done, because another request was always first at the runs that were found, and still acts. */
export type BulkResult = BulkDone | { kind: 'outrun' };

const BATCH = 500;
/** The most runs of one request, which takes a few seconds. */
const BULK_MAX = 10_000;
/**
 * A batch may hold up the owner's work for other tenants, so the request rests this many times as long as the batch
 * took.
 */
const RESTS_PER_BATCH = 2;

interface Pace {
  clock: Pick<Clock, 'monotonicMs'>;
  rest: (ms: number) => Promise<unknown>;
}

export async function inBatches(act: Batch, { clock, rest }: Pace): Promise<BulkResult> {
  const done = { kind: 'done' as const, ended: 0, requested: 0, passedOver: 0 };
  for (let seen = 0; seen < BULK_MAX; seen += BATCH) {
    const begunMs = clock.monotonicMs();
    const { found, ended, requested = 0, passedOver = 0 } = await act(BATCH);
    done.ended += ended;
    done.requested += requested;
    done.passedOver += passedOver;
    if (found < BATCH) return { ...done, isCutShort: false };
    await rest(RESTS_PER_BATCH * (clock.monotonicMs() - begunMs));
  }
  if (done.ended + done.requested + done.passedOver === 0) return { kind: 'outrun' };
  return { ...done, isCutShort: true };
}
