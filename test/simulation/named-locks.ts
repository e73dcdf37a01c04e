// Which named locks are there in a simulated world? Those of one tenant, in an eighth of the seeds, drawn by a chance of
// their own, so that all else goes the same way in the others. Two job types share a door that one opens at a time, a
// third looks through it with others, two want permits of a semaphore, and a schedule has the door for each of its runs.
import type { NeededLock } from '#execution/limits/decisions/lane-rules.js';
import type { JobTypeLimits } from '#execution/limits/limits.js';
import type { Broken } from './broken-protocols.js';
import { SeededRandom } from './seeded-random.js';

const APART = 0x10c4_ed00;
const SHARE_OF_SEEDS = 1 / 8;

export const TENANT = 'tenant-of-locks';
/** The semaphore, and how many permits it has. */
export const SEMAPHORE = { name: 'shovels', permits: 2 };

export const DOOR: NeededLock = { name: 'door', mode: 'exclusive', permits: 1 };
export const LOOK: NeededLock = { name: 'door', mode: 'shared', permits: 1 };
export const SHOVEL: NeededLock = { name: SEMAPHORE.name, mode: 'permits', permits: 1 };
export const BOTH_SHOVELS: NeededLock = { ...SHOVEL, permits: 2 };

/** Limits make a run that holds its locks give them back, or leave the line for them. */
export const LOCKING_JOBS: Readonly<Record<string, { locks: NeededLock[]; limits: JobTypeLimits }>> = {
  enter: { locks: [DOOR], limits: {} },
  peep: { locks: [LOOK], limits: {} },
  dig: { locks: [SHOVEL], limits: { rate: { count: 1, perSeconds: 1 } } },
  bury: { locks: [DOOR, SHOVEL], limits: { maxConcurrent: 1 } },
};

/** Its runs are of a job type without locks. */
export const LOCKING_SCHEDULE = { jobType: 'work', seconds: 5, ms: 200, locks: [DOOR] };

/** Where a seed looks; see accident-plan.ts. */
export interface LookedFor {
  statement: string;
  locks?: boolean;
  strict?: boolean;
  entering?: boolean;
}

export interface NamedLocks {
  readonly random: SeededRandom;
  readonly slot: number;
  /** What is ambushed in this world; null where any statement may be. */
  readonly statement: string | null;
}

/** Null in most seeds, and where another protocol is broken: its seeds need no more to happen in them. */
export function drawNamedLocks(
  seed: number,
  { slotCount, broken, focus }: { slotCount: number; broken: Broken; focus: LookedFor | null },
): NamedLocks | null {
  const random = new SeededRandom(seed ^ APART);
  const isDrawn = random.chance(SHARE_OF_SEEDS);
  if (focus?.locks !== true && (!isDrawn || broken.size > 0)) return null;
  const statement = random.pick([null, 'acquireRunLocks', 'acquireRunLocks', 'lookAtPlaces']) ?? null;
  return { random, slot: random.whole(0, slotCount - 1), statement };
}
