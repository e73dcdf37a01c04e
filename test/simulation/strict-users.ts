// Who wants a strict order in a simulated world? Callers who enqueue runs of its keys, some of which fail, a few for good;
// and a person who looks now and then at what blocks them. That one retries the run or gives it up, and clicks at times
// twice, or once more when another run blocks the key by then.
import { unblockKey } from '#execution/settling/key-block.repository.js';
import { insertRun } from '#execution/intake/new-run.repository.js';
import { cancelRuns } from '#execution/run-actions/run-ending.js';
import { RETRIABLE, retryEnded } from '#execution/run-actions/retry-ended.js';
import { asId } from '#kernel/ids.js';
import type { Work } from './executions.js';
import type { SeededRandom } from './seeded-random.js';
import type { SimulatedCluster } from './simulated-cluster.js';
import { blockKeyOf, JOB_TYPE, KEYS, TENANT } from './strict-keys.js';
import { failedBlockers } from './strict-promises.js';

const LOOK_EACH_MS = 250;
/** Its attempts, and a scan before each; a person deals with it meanwhile. */
const TURN_MS = 4_000;
const tenantId = asId.tenant(TENANT);

export function planStrictUsers(cluster: SimulatedCluster, { untilMs }: { untilMs: number }): void {
  const { world, db, strict, apiUser, invariants } = cluster;
  if (strict === null) return;
  const { random } = strict;
  invariants.strict.isPlayed = true;
  db.tenant.put(TENANT, { id: TENANT, weight: 1, limits: {} });
  db.jobType.put(JOB_TYPE, { name: JOB_TYPE, limits: {} });
  for (let count = random.whole(8, 16); count > 0; count -= 1) {
    apiUser.serialMs += TURN_MS;
    world.after(random.between(500, untilMs), () => enqueue(cluster, random));
  }
  for (let count = random.whole(0, 3); count > 0; count -= 1)
    world.after(random.between(500, untilMs), () => cancel(cluster, random));
  lookAtBlocked(cluster, { random, untilMs, clicked: [] });
}

function enqueue({ world, apiUser, invariants, strict }: SimulatedCluster, random: SeededRandom): void {
  const id = world.newId('run');
  const nowMs = world.server.wallMs();
  const runAt = random.chance(0.5) ? new Date(nowMs + random.between(0, 3_000)) : null;
  const payload: Work = {
    ms: Math.round(random.between(1, 400)),
    failures: random.pick([0, 0, 0, 0, 1, 2, 3]) ?? 0, // three are one too many
    deaf: random.chance(0.3),
    snoozeMs: random.chance(0.15) ? (random.pick([0, 300]) ?? 0) : null,
    talks: false,
    isFatal: random.chance(0.15),
  };
  const run = {
    id: asId.run(id),
    tenantId,
    slot: asId.slot(strict?.slot ?? 0),
    jobType: JOB_TYPE,
    queue: random.pick(['default', 'default', 'default', 'aside']) ?? 'default',
    concurrencyKey: random.pick(KEYS) ?? null,
    priority: random.chance(0.3) ? 1 : 0,
    tags: [],
    deadline: random.chance(0.1) ? new Date((runAt?.getTime() ?? nowMs) + random.between(500, 5_000)) : null,
    payload,
    runAt,
  };
  if (payload.isFatal === true) invariants.fatal.add(id);
  apiUser.ask(`enqueue ${id}`, async (db) => {
    await insertRun(db, run);
    invariants.acknowledged.add(id);
  });
}

function cancel({ apiUser, db, invariants }: SimulatedCluster, random: SeededRandom): void {
  const run = random.pick(db.run.rows().filter((row) => blockKeyOf(row) !== null));
  if (run === undefined) return;
  apiUser.ask(`cancel ${run.id}`, async (database) => {
    const asked = { tenantId, slot: asId.slot(run.slot), ids: [asId.run(run.id)] };
    const { ended } = await cancelRuns(database, asked);
    for (const id of ended) invariants.cancelled.add(id);
  });
}

interface Person {
  random: SeededRandom;
  untilMs: number;
  /** What it has given up before. */
  clicked: string[];
}

function lookAtBlocked(cluster: SimulatedCluster, person: Person): void {
  const { world, db } = cluster;
  const { random, untilMs, clicked } = person;
  for (const run of failedBlockers(db)) {
    if (!random.chance(world.nowMs < untilMs ? 0.3 : 0.6)) continue;
    if (random.chance(0.4)) retry(cluster, run);
    else for (let times = random.chance(0.2) ? 2 : 1; times > 0; times -= 1) unblock(cluster, run);
    clicked.push(run);
  }
  // What is to be tried again by itself is refused.
  const other = random.pick([...clicked, ...db.keyBlock.rows().map(({ run }) => run)]);
  if (other !== undefined && world.nowMs < untilMs && random.chance(0.2)) unblock(cluster, other);
  world.after(LOOK_EACH_MS, () => lookAtBlocked(cluster, person));
}

function retry({ apiUser }: SimulatedCluster, run: string): void {
  apiUser.ask(`retry ${run}`, (db) =>
    retryEnded(db, { tenantId, ids: [asId.run(run)], outcomes: RETRIABLE }),
  );
}

function unblock({ apiUser }: SimulatedCluster, run: string): void {
  apiUser.ask(`unblock ${run}`, (db) => unblockKey(db, { tenantId, runId: asId.run(run) }));
}
