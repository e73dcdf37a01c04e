// How is one thing done to many runs? In bounded batches, each a transaction of its own, until nothing is left
// of what there was in the beginning or a limit is reached. What has been done stays done; asking again goes on.

/** One batch; resolves with how many it found and what became of them. */
export type Batch = (limit: number) => Promise<{ found: number; ended: number; requested: number }>;

export interface BulkResult {
  /** Done with: moved to where they belong. */
  ended: number;
  /** Asked for; their holders will do it. */
  requested: number;
  /** There may be more: ask again. */
  isCutShort: boolean;
}

const BATCH = 500;
/** One request's worth, which takes a few seconds. */
const BULK_MAX = 10_000;

export async function actInBatches(act: Batch): Promise<BulkResult> {
  const done = { ended: 0, requested: 0 };
  for (let seen = 0; seen < BULK_MAX; seen += BATCH) {
    const { found, ended, requested } = await act(BATCH);
    done.ended += ended;
    done.requested += requested;
    if (found < BATCH) return { ...done, isCutShort: false };
    // Nothing of a full batch could be done: somebody else is at the same runs.
    if (ended + requested === 0) break;
  }
  return { ...done, isCutShort: true };
}
