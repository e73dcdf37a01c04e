// Which keys with a strict order are there in a simulated world? Those of one tenant and one job type, in an eighth of the
// seeds, drawn by a chance of their own, so that all else goes the same way in the others.
import { isStrictKey, storedKeyOf } from '#kernel/keys/key-overlap.js';
import type { Broken } from './broken-protocols.js';
import type { RunRow } from './model-database.js';
import type { LookedFor } from './named-locks.js';
import { SeededRandom } from './seeded-random.js';

const APART = 0x057_21c7;
const SHARE_OF_SEEDS = 1 / 8;

export const TENANT = 'tenant-of-order';
export const JOB_TYPE = 'apply';
export const KEYS = ['account-1', 'account-2'].map((key) => storedKeyOf(key, undefined, 'strict'));

export interface StrictKeys {
  readonly random: SeededRandom;
  readonly slot: number;
  /** How likely a connection is lost; null where the others decide. */
  readonly lossChance: number | null;
  /** What is ambushed in this world; null where any statement may be. */
  readonly statement: string | null;
}

/** Null in most seeds, and where another protocol is broken: its seeds need no more to happen in them. */
export function drawStrictKeys(
  seed: number,
  { slotCount, broken, focus }: { slotCount: number; broken: Broken; focus: LookedFor | null },
): StrictKeys | null {
  const random = new SeededRandom(seed ^ APART);
  const isDrawn = random.chance(SHARE_OF_SEEDS);
  if (focus?.strict !== true && (!isDrawn || broken.size > 0)) return null;
  const statement = random.pick([null, null, 'claimRunsInOrder', 'retryRuns', 'finishRuns']) ?? null;
  // A claim whose answer is lost, and another behind it, are rare where connections last.
  const lossChance = random.pick([null, null, null, 0.03]) ?? null;
  return { random, lossChance, slot: random.whole(0, slotCount - 1), statement };
}

/** Under which the row stands that says what blocks the key of the run; null for a run without a strict order. */
export function blockKeyOf({
  tenantId,
  jobType,
  concurrencyKey,
}: Pick<RunRow, 'tenantId' | 'jobType' | 'concurrencyKey'>): string | null {
  return isStrictKey(concurrencyKey) ? `${tenantId}/${jobType}/${concurrencyKey}` : null;
}
