// Who calls replicas in a simulated world? Callers who create runs over REST, mostly at the owner of their slot, and as an
// application does in its database; in both ways those of one lane. As in the product, a run that its replica can't take
// in is inserted by another connection.
import { insertRun, type NewRun } from '#execution/intake/new-run.repository.js';
import { parseJobType } from '#execution/job-types/job-type.repository.js';
import { asId } from '#kernel/ids.js';
import type { Work } from './executions.js';
import type { EnteringRuns } from './entering-runs.js';
import type { SimulatedCluster } from './simulated-cluster.js';
import type { SimulatedReplica } from './simulated-replica.js';
import { perform } from './stage.js';
import { storedJobType } from './statements/execution.js';

const JOB_TYPES = ['work', 'work', 'work', 'narrow', 'keyed', 'metered'];
const ATTEMPTS_MAX = 3;

export function planEnteringUsers(cluster: SimulatedCluster, { untilMs }: { untilMs: number }): void {
  const { world, db, entering, server, apiUser } = cluster;
  if (entering === null) return;
  const { random, tenants, stallChance } = entering;
  server.stallChance = Math.max(server.stallChance, stallChance);
  for (const { id, limits } of tenants) db.tenant.put(id, { id, weight: 2, limits });
  for (let count = random.whole(20, 50); count > 0; count -= 1) {
    const run = draw(cluster, entering);
    const work = run.payload as Work; // as it was drawn
    apiUser.serialMs += work.ms * Math.min(ATTEMPTS_MAX, work.failures + 1);
    const isCall = random.chance(0.75);
    // Several at once, so that groups form.
    world.after(Math.ceil(random.between(300, untilMs) / 100) * 100, () =>
      isCall ? call(cluster, run) : insert(cluster, run),
    );
  }
}

function draw({ world }: SimulatedCluster, { random, tenants }: EnteringRuns): NewRun {
  const tenant = random.pick([...tenants]);
  const payload: Work = {
    ms: Math.round(random.between(1, 400)),
    failures: random.pick([0, 0, 0, 0, 1, 2]) ?? 0,
    deaf: random.chance(0.3),
    snoozeMs: null,
    talks: false,
  };
  return {
    id: asId.run(world.newId('run')),
    tenantId: asId.tenant(tenant?.id ?? ''),
    slot: asId.slot(tenant?.slot ?? 0),
    jobType: random.pick(JOB_TYPES) ?? 'work',
    queue: random.pick(['default', 'default', 'aside']) ?? 'default',
    concurrencyKey: random.pick([null, null, 'left']) ?? null,
    priority: 0,
    tags: [],
    deadline: random.chance(0.1) ? new Date(world.server.wallMs() + random.between(9_000, 15_000)) : null,
    payload,
    runAt: null,
  };
}

function call(cluster: SimulatedCluster, run: NewRun): void {
  const { world, db, entering, invariants } = cluster;
  const replica = replicaFor(cluster, run);
  const tenant = entering?.tenants.find(({ id }) => id === run.tenantId);
  if (replica === undefined || replica.isFrozen || tenant === undefined) return insert(cluster, run);
  const job = {
    tenant: {
      id: run.tenantId,
      name: asId.tenantName(tenant.id),
      slot: run.slot,
      state: 'active' as const,
      weight: 2,
      limits: tenant.limits,
    },
    jobType: parseJobType(storedJobType(db, run.jobType)),
  };
  const assumed = { tenantId: run.tenantId, jobType: run.jobType, proof: '' };
  world.headline(() => `--- ${replica.name} is asked to enqueue ${run.id}`);
  perform(replica, () => {
    replica.replica.takingIn.take(job, { run, assumed }).then(
      (taken) => {
        if (taken === null) return world.after(0, () => insert(cluster, run));
        world.say(
          () => `${replica.name} took ${run.id} in, and ${taken.isHeld ? 'holds it' : 'lets it wait'}`,
        );
        invariants.acknowledged.add(run.id);
        if (!taken.isHeld) replica.hint([run.slot]);
        return undefined;
      },
      (error: Error) => world.say(() => `${replica.name} could not enqueue ${run.id}: ${error.message}`),
    );
  });
}

function replicaFor(cluster: SimulatedCluster, { slot }: NewRun): SimulatedReplica | undefined {
  const { db, entering } = cluster;
  const present = cluster.present();
  const owner = present.find(({ incarnation }) => incarnation?.replica === db.slot.get(slot)?.owner);
  return entering?.random.chance(0.85) === true ? owner : entering?.random.pick(present);
}

function insert({ apiUser, invariants }: SimulatedCluster, run: NewRun): void {
  apiUser.ask(`enqueue ${run.id}`, async (db) => {
    await insertRun(db, run);
    invariants.acknowledged.add(run.id);
  });
}
