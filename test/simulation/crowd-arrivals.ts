// How does a crowd come? With many schedules at once whose first due times are past. The work itself is short, so that only
// planning is crowded.
import { APART, PERIOD_SECONDS } from './crowd.js';
import type { Work } from './executions.js';
import { SeededRandom } from './seeded-random.js';
import type { SimulatedCluster } from './simulated-cluster.js';

const SCHEDULES = 30;
const BEHIND_SECONDS = 40;

export function planCrowd(cluster: SimulatedCluster): void {
  const { world, crowd } = cluster;
  for (const [id, { slot, comesAtMs }] of crowd?.tenants ?? []) {
    if (comesAtMs === 0) come(cluster, { id, slot });
    else world.after(comesAtMs, () => come(cluster, { id, slot }));
  }
}

function come(
  { world, db, invariants }: SimulatedCluster,
  { id: tenantId, slot }: { id: string; slot: number },
): void {
  world.headline(() => `--- ${tenantId} comes with ${SCHEDULES} schedules`);
  const random = new SeededRandom(world.seed ^ APART ^ slot);
  db.tenant.put(tenantId, { id: tenantId, weight: 1, limits: {} });
  const second = Math.floor(world.server.wallMs() / 1_000) * 1_000;
  for (let number = 1; number <= SCHEDULES; number += 1) {
    const id = `schedule-of-${tenantId}-${number}`;
    const firstDueMs = second - BEHIND_SECONDS * 1_000 + random.whole(0, PERIOD_SECONDS * 1_000 - 1);
    const spec = JSON.stringify({
      kind: 'every',
      seconds: PERIOD_SECONDS,
      anchorAt: new Date(firstDueMs).toISOString(),
    });
    const payload: Work = { ms: random.whole(1, 10), failures: 0, deaf: false, snoozeMs: null, talks: false };
    const row = { id, name: id, tenantId, slot, jobType: 'work', payload, spec, nextDueMs: firstDueMs };
    db.schedule.put(id, {
      ...row,
      catchUp: null,
      concurrencyKey: null,
      specSinceMs: null,
      pausedUntilMs: null,
      state: 'active',
      revision: 1,
    });
    invariants.asked.begin(id, spec);
  }
}
