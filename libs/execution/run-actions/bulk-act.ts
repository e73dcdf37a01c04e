// How is one thing done to many runs? In bounded batches, each a transaction of its own, until nothing is left
// of what there was in the beginning or a limit is reached. What has been done stays done; asking again goes on.

/** One batch; resolves with how many it found and what became of them. */
export type Batch = (limit: number) => Promise<{
  found: number;
  ended: number;
  requested?: number;
  passedOver?: number;
}>;

export interface BulkResult {
  /** Done with: moved to where they belong. */
  ended: number;
  /** Asked for; their holders will do it. */
  requested: number;
  /** Nothing was done to them, and the batches after did not find them again. */
  passedOver: number;
  /** There may be more: ask again. */
  isCutShort: boolean;
}

const BATCH = 500;
/** One request's worth, which takes a few seconds. */
const BULK_MAX = 10_000;

export async function actInBatches(act: Batch): Promise<BulkResult> {
  const done = { ended: 0, requested: 0, passedOver: 0 };
  for (let seen = 0; seen < BULK_MAX; seen += BATCH) {
    const { found, ended, requested = 0, passedOver = 0 } = await act(BATCH);
    done.ended += ended;
    done.requested += requested;
    done.passedOver += passedOver;
    if (found < BATCH) return { ...done, isCutShort: false };
    // Nothing of a full batch could be done: somebody else is at the same runs.
    if (ended + requested + passedOver === 0) break;
  }
  return { ...done, isCutShort: true };
}
