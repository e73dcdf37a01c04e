// Which runs can only the leader end? Those that were put off beyond their deadlines: no owner claims them by then. In an
// eighth of the seeds there are some, drawn by a chance of their own, so that all else goes the same way in the others.
import { insertRun } from '#execution/intake/new-run.repository.js';
import { asId } from '#kernel/ids.js';
import type { Work } from './executions.js';
import { SeededRandom } from './seeded-random.js';
import type { SimulatedCluster } from './simulated-cluster.js';

const APART = 0x9e_70_ff;
const SHARE_OF_SEEDS = 1 / 8;
const TENANT = 'tenant-of-what-is-put-off';
/** Beyond all that is played. */
const PUT_OFF_MS = 600_000;
const WORK: Work = { ms: 1, failures: 0, deaf: false, snoozeMs: null, talks: false };

export function planPutOffRuns(
  { world, db, apiUser, invariants, broken }: SimulatedCluster,
  { untilMs }: { untilMs: number },
): void {
  const random = new SeededRandom(world.seed ^ APART);
  const isOfUse = broken.size === 0 || broken.has('a lookout that finds nothing');
  if (!isOfUse || !random.chance(SHARE_OF_SEEDS)) return;
  db.tenant.put(TENANT, { id: TENANT, weight: 1, limits: {} });
  const slot = asId.slot(random.whole(0, db.slotCount - 1));
  for (let count = random.whole(1, 3); count > 0; count -= 1) {
    const id = asId.run(world.newId('run'));
    const deadlineMs = random.between(1_000, 2 * untilMs);
    world.after(random.between(500, untilMs), () =>
      apiUser.ask(`enqueue ${id}`, async (connected) => {
        const nowMs = world.server.wallMs();
        await insertRun(connected, {
          id,
          tenantId: asId.tenant(TENANT),
          slot,
          jobType: 'work',
          queue: 'default',
          concurrencyKey: null,
          priority: 0,
          tags: [],
          payload: WORK,
          runAt: new Date(nowMs + PUT_OFF_MS),
          deadline: new Date(nowMs + deadlineMs),
        });
        invariants.acknowledged.add(id);
      }),
    );
  }
}
