// How does one seed go? A small cluster starts and works; accidents happen for a while; then everything is
// healed, and the cluster must find back to its work within a bound, by itself. Each commit is judged on the
// way, and at the end the whole account.
import type { Broken } from './broken-protocols.js';
import { planCrowd } from './crowd-arrivals.js';
import { judgeAccount, unendedAndFree, unfinished, unhealed } from './final-account.js';
import { drawFocus, heal, planAccidents, type Focus } from './accident-plan.js';
import { inWorld } from './played-world.js';
import { planEnteringUsers } from './entering-users.js';
import { planPutOffRuns } from './put-off-runs.js';
import { planStrictUsers } from './strict-users.js';
import { planLockUsers } from './lock-users.js';
import { planEndingPauses, planScheduleChanges } from './schedule-changes.js';
import { TICK_MS } from './server.js';
import { SimulatedCluster } from './simulated-cluster.js';
import { actorOnStage } from './stage.js';
import { Violation, World } from './world.js';

const PROCESSES = 3;
const CALM_UNTIL_MS = 1_500;
/** Some come before a leader has planned anything. */
const CHANGES_FROM_MS = 300;
const ACCIDENTS_UNTIL_MS = 9_000;
/** Loops that failed come back within 5 s. */
const BACKED_OFF_MS = 5_000;
/** One until a silent leader is replaced, one until the next has seen a silent replica, one more if most seem so. */
const SILENCES = 3.5;
/** A claim that its replica does not know is dropped after 15 s, by a pass every 5 s; then its runs must run. */
const WORK_WITHIN_MS = 35_000;
/** The leader looks each second for what is to be ended, and ends it unless an owner has it. */
const OVER_WITHIN_MS = 10_000;
/** Runs that were lost twice run one after the other; an attempt takes 4 s at most, and its end has to be written. */
const QUARANTINED_MS = 5_000;

export interface Verdict {
  seed: number;
  violation: Violation | null;
  lines: string[];
  steps: number;
  outcomes: number;
  /** Holds of locks. */
  acquired: number;
  /** Runs that blocked a key with a strict order. */
  blocks: number;
  overlaps: number;
  deaths: number;
  terms: number;
}

export interface SeedOptions {
  broken?: Broken;
  tracing?: 'off' | 'last lines' | 'all';
  /** Where the accidents are to be; without it the seed decides. */
  focus?: Focus | null;
  /** Invariants whose breach does not count. */
  overlooked?: readonly string[];
}

/** Plays one seed. Must be called outside of any promise, or nothing in it can settle. */
export function playSeed(seed: number, options: SeedOptions = {}): Verdict {
  const { broken = new Set(), tracing = 'off', overlooked = [] } = options;
  const world = new World(seed, tracing, overlooked);
  const focus = options.focus ?? drawFocus(world.random);
  const cluster = new SimulatedCluster(world, broken, focus);
  const restore = simulateTimers(world);
  const depth = Error.stackTraceLimit;
  // Collecting unread stacks takes a tenth of the time.
  if (tracing === 'off') Error.stackTraceLimit = 0;
  try {
    inWorld(world, () => play(cluster, focus));
    return verdictOf(cluster, null);
  } catch (error) {
    if (error instanceof Violation) return verdictOf(cluster, error);
    throw error;
  } finally {
    restore();
    Error.stackTraceLimit = depth;
  }
}

function play(cluster: SimulatedCluster, focus: Focus | null): void {
  const { world, random, apiUser, settings, invariants } = cluster;
  world.headline(() => `liveness by ${settings.liveness}, dead after ${settings.deadAfterMs} ms`);
  apiUser.prepare();
  planCrowd(cluster);
  for (let count = PROCESSES; count > 0; count -= 1)
    world.after(random.between(0, 200), () => cluster.addProcess());
  for (let count = random.whole(4, 12) * (focus === null ? 1 : 3); count > 0; count -= 1) {
    world.after(random.between(500, ACCIDENTS_UNTIL_MS), () => apiUser.enqueue());
  }
  for (let count = random.whole(0, 4); count > 0; count -= 1)
    world.after(random.between(500, ACCIDENTS_UNTIL_MS), () => apiUser.cancel());
  for (let count = random.whole(0, 3) * (focus?.retries ?? 1); count > 0; count -= 1)
    world.after(random.between(CALM_UNTIL_MS, ACCIDENTS_UNTIL_MS), () => apiUser.retry());
  if (random.chance(0.5))
    world.after(random.between(CALM_UNTIL_MS, ACCIDENTS_UNTIL_MS), () => apiUser.retryOpen());
  planAccidents(cluster, focus, { fromMs: CALM_UNTIL_MS, untilMs: ACCIDENTS_UNTIL_MS });
  for (let times = focus?.changes ?? 1; times > 0; times -= 1)
    planScheduleChanges(cluster, { fromMs: CHANGES_FROM_MS, untilMs: ACCIDENTS_UNTIL_MS });
  planEndingPauses(cluster, { fromMs: CHANGES_FROM_MS, untilMs: ACCIDENTS_UNTIL_MS });
  planLockUsers(cluster, { untilMs: ACCIDENTS_UNTIL_MS });
  planStrictUsers(cluster, { untilMs: ACCIDENTS_UNTIL_MS });
  planEnteringUsers(cluster, { untilMs: ACCIDENTS_UNTIL_MS });
  planPutOffRuns(cluster, { untilMs: ACCIDENTS_UNTIL_MS });
  watchForTimeouts(cluster);
  world.playUntil(ACCIDENTS_UNTIL_MS);
  heal(cluster);
  while (cluster.present().length < 2) cluster.addProcess();
  const healedMs = BACKED_OFF_MS + SILENCES * settings.deadAfterMs;
  playOn(world, 'I8: a leader and an owner for every slot', healedMs, () => unhealed(cluster));
  playOn(world, 'I8: what is over is ended', OVER_WITHIN_MS + invariants.limits.behindMs, () =>
    unendedAndFree(cluster),
  );
  const quarantined = cluster.db.run.rows().filter(({ losses }) => losses > 1).length;
  const workMs =
    WORK_WITHIN_MS + invariants.limits.behindMs + apiUser.serialMs + quarantined * QUARANTINED_MS;
  playOn(world, 'I8: all work done', workMs, () => unfinished(cluster));
  judgeAccount(cluster);
}

/** Until nothing is missing any more, which breaks the promise if it takes too long. */
function playOn(world: World, promise: string, withinMs: number, missing: () => string | null): void {
  const untilMs = world.nowMs + withinMs;
  for (let still = missing(); still !== null; still = missing()) {
    if (world.nowMs >= untilMs) world.violate(promise, `after ${withinMs} ms: ${still}`);
    world.playUntil(world.nowMs + TICK_MS);
  }
}

function watchForTimeouts(cluster: SimulatedCluster): void {
  const { world, processes, apiUser } = cluster;
  for (const actor of [...processes, apiUser]) world.expireQueries(actor);
  world.after(TICK_MS, () => watchForTimeouts(cluster));
}

/** While a seed is played, timers are set on the clock of the actor on stage. */
function simulateTimers(world: World): () => void {
  const { setTimeout, setImmediate } = globalThis;
  const simulated = (act: () => void, ms: number): unknown => world.timer(actorOnStage(), ms, act);
  // LoopTimers hands what they return to the registry only.
  globalThis.setTimeout = simulated as typeof setTimeout;
  globalThis.setImmediate = ((act: () => void) => simulated(act, 0)) as typeof setImmediate;
  return () => Object.assign(globalThis, { setTimeout, setImmediate });
}

function verdictOf({ world, invariants, db }: SimulatedCluster, violation: Violation | null): Verdict {
  const { seed, lines, steps } = world;
  const { outcomes, deaths } = invariants;
  const overlaps = db.fire.rows().filter(({ reason }) => reason === 'overlap').length;
  const { acquired } = invariants.locks;
  const { blocks } = invariants.strict;
  const terms = db.leadership.get(1)?.term ?? 0;
  return { seed, violation, lines, steps, outcomes, acquired, blocks, overlaps, deaths, terms };
}
