// Which schedules does the API change while things go wrong? Those of a quarter of the seeds, drawn by a chance of
// their own, so that all else goes the same way in the others. They are given another spec or another payload, paused,
// resumed and deleted, often while due times that have passed are undecided: because no replica leads, because an owner
// is gone, or because all replicas have been down for hours.
import { SeededRandom } from './seeded-random.js';
import type { SimulatedCluster } from './simulated-cluster.js';
import type { SimSchedule } from './api-user.js';

/** Far from the seeds that are played. */
const APART = 0x1357_9bdf;
const APART_OF_PAUSES = 0x2468_ace0;

type Act = (cluster: SimulatedCluster, random: SeededRandom, schedule: SimSchedule) => void;

const ACTS: readonly Act[] = [giveSpec, giveSpec, givePayload, pauseFor, remove];

export function planScheduleChanges(
  cluster: SimulatedCluster,
  { fromMs, untilMs }: { fromMs: number; untilMs: number },
): void {
  const { world, apiUser } = cluster;
  const random = new SeededRandom(world.seed ^ APART);
  if (!random.chance(0.25)) return;
  for (let count = random.whole(1, 4); count > 0; count -= 1) {
    const [act, schedule] = [random.pick(ACTS), random.pick(apiUser.schedules)];
    if (act === undefined || schedule === undefined) return;
    world.after(random.between(fromMs, untilMs), () => act(cluster, random, schedule));
  }
}

/** By a chance of their own as well, so that what the others show in a seed stays. */
export function planEndingPauses(
  cluster: SimulatedCluster,
  { fromMs, untilMs }: { fromMs: number; untilMs: number },
): void {
  const { world, apiUser } = cluster;
  const random = new SeededRandom(world.seed ^ APART_OF_PAUSES);
  if (!random.chance(0.25)) return;
  for (let count = random.whole(1, 3); count > 0; count -= 1) {
    const schedule = random.pick(apiUser.schedules);
    if (schedule === undefined) return;
    world.after(random.between(fromMs, untilMs), () => pauseUntil(cluster, random, schedule));
  }
}

/** Not always due on the second, so that what the old one and the new one ask for can be told apart. */
function giveSpec({ world, apiUser }: SimulatedCluster, random: SeededRandom, schedule: SimSchedule): void {
  const second = Math.floor(world.server.wallMs() / 1_000) * 1_000;
  const anchorMs = second + random.whole(-5, 2) * 1_000 + (random.chance(0.5) ? random.whole(1, 999) : 0);
  const spec = { kind: 'every' as const, seconds: random.whole(2, 5), anchorAt: new Date(anchorMs) };
  apiUser.changeSchedule({ kind: 'edit', spec }, schedule);
}

function givePayload({ db, apiUser }: SimulatedCluster, _: SeededRandom, schedule: SimSchedule): void {
  const payload = db.schedule.get(schedule.id)?.payload;
  if (payload !== undefined) apiUser.changeSchedule({ kind: 'edit', payload }, schedule);
}

function pauseFor({ world, apiUser }: SimulatedCluster, random: SeededRandom, schedule: SimSchedule): void {
  apiUser.changeSchedule({ kind: 'pause' }, schedule);
  const resume = (): void => apiUser.changeSchedule({ kind: 'resume' }, schedule);
  world.after(random.between(100, 4_000), resume);
}

/** At times it is resumed before, or paused again with another end. */
function pauseUntil({ world, apiUser }: SimulatedCluster, random: SeededRandom, schedule: SimSchedule): void {
  const pause = (): void => {
    const until = new Date(world.server.wallMs() + random.whole(1, 12_000));
    apiUser.changeSchedule({ kind: 'pause', until }, schedule);
  };
  pause();
  if (random.chance(0.3)) world.after(random.between(100, 12_000), pause);
  if (random.chance(0.3))
    world.after(random.between(100, 12_000), () => apiUser.changeSchedule({ kind: 'resume' }, schedule));
}

function remove({ apiUser }: SimulatedCluster, _: SeededRandom, schedule: SimSchedule): void {
  apiUser.deleteSchedule(schedule);
}
