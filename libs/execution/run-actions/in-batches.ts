// How is one thing done to many runs? In bounded batches, each a transaction of its own, until nothing is left
// of what there was in the beginning or a limit is reached. What has been done stays done; asking again goes on. A batch that
// another request took meanwhile is only passed over: the next one finds what is left.

import type { Clock } from '#kernel/clock.js';

/** One batch; resolves with how many it found and what became of them. */
export type Batch = (limit: number) => Promise<{
  found: number;
  ended: number;
  requested?: number;
  passedOver?: number;
}>;

export interface BulkDone {
  kind: 'done';
  /** Done with: moved to where they belong. */
  ended: number;
  /** Asked for; their holders will do it. */
  requested: number;
  /** Nothing was done to them, and the batches after did not find them again. */
  passedOver: number;
  /** There may be more: ask again. */
  isCutShort: boolean;
}

/** Or nothing was done, because another request was always first at the runs that were found; it is at it still. */
export type BulkResult = BulkDone | { kind: 'outrun' };

const BATCH = 500;
/** One request's worth, which takes a few seconds. */
const BULK_MAX = 10_000;
/** A batch may hold up what its owner does for other tenants, so they get this many times what it took before the next one. */
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
