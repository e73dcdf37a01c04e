// Which runs come to replicas in a simulated world, so that their owner may claim them as it inserts them? Those of six
// tenants, in a quarter of the seeds, drawn by a chance of their own, so that all else goes the same way in the others.
// And does a run that enters like this overtake none that waits in its lane?
import type { Broken } from './broken-protocols.js';
import { laneOf, rankOf, type ModelDatabase, type RunRow } from './model-database.js';
import type { LookedFor } from './named-locks.js';
import { SeededRandom } from './seeded-random.js';
import type { Act, Transaction } from './transaction.js';
import type { World } from './world.js';

const APART = 0x0e_17e5;
const SHARE_OF_SEEDS = 1 / 4;

export interface EnteringRuns {
  readonly random: SeededRandom;
  readonly tenants: readonly { id: string; slot: number; limits: object }[];
  /** How likely time passes in the middle of the statement that inserts and claims. */
  readonly stallChance: number;
  /** What is ambushed in this world; null where any statement may be. */
  readonly statement: string | null;
}

/** Null in most seeds, and where another protocol is broken: its seeds need no more to happen in them. */
export function drawEnteringRuns(
  seed: number,
  { slotCount, broken, focus }: { slotCount: number; broken: Broken; focus: LookedFor | null },
): EnteringRuns | null {
  const random = new SeededRandom(seed ^ APART);
  const isDrawn = random.chance(SHARE_OF_SEEDS);
  if (focus?.entering !== true && (!isDrawn || broken.size > 0)) return null;
  const tenants = [{}, {}, { maxConcurrent: 2 }, {}, {}, { maxConcurrent: 1 }].map((limits, index) => ({
    id: `tenant-that-calls-${index}`,
    slot: random.whole(0, slotCount - 1),
    limits,
  }));
  const stallChance = random.pick(focus?.entering === true ? [0.3, 0.6] : [0, 0.1, 0.3]) ?? 0;
  return {
    random,
    tenants,
    stallChance,
    statement: random.pick([null, 'takeIn', 'takeIn', 'claimRuns']) ?? null,
  };
}

/** `wasClaimed`: a replica that gives a run back knows of it a moment later, and may overtake it until then. */
export function judgeEntered(
  world: World,
  db: ModelDatabase,
  {
    runs,
    atMs,
    tx,
    wasClaimed,
  }: Act & { kind: 'entered' } & { tx: Transaction; wasClaimed: (run: string) => boolean },
): void {
  const claimed = new Set(db.claim.rows().flatMap((claim) => claim.runs));
  const waiting = db.run
    .rows()
    .filter(({ id, runAtMs }) => !claimed.has(id) && !wasClaimed(id) && runAtMs <= atMs);
  for (const id of runs) {
    const run = db.run.get(id, tx);
    const first = waiting.find((other) => run !== null && isOvertaken(other, run));
    if (first !== undefined)
      world.violate('who enters overtakes none', `${id} enters before ${first.id}, which waits`);
  }
}

function isOvertaken(other: RunRow, run: RunRow): boolean {
  return other.tenantId === run.tenantId && laneOf(other) === laneOf(run) && rankOf(other) < rankOf(run);
}
