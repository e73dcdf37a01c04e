// Who makes things go wrong, and when? A seed draws a few accidents and their instants, some seeds all around one
// statement; and at the end the plan undoes it, as far as that is possible from outside.
import { ACCIDENT_NAMES, AMBUSHED, strike, type AccidentName } from './accidents.js';
import type { SeededRandom } from './seeded-random.js';
import type { SimulatedCluster } from './simulated-cluster.js';

const STALL_CHANCE = 0.02;

/** Where to look for one kind of trouble: a statement to ambush, and what goes wrong beside it. */
export interface Focus {
  /** How likely a function takes long between two of its statements. */
  stalls?: number;
  statement: string;
  beside: readonly AccidentName[];
  /** How many times as many runs that are over are tried again. */
  retries?: number;
  /** How many times as many changes of schedules. */
  changes?: number;
  /** There are named locks in each seed. */
  locks?: boolean;
  /** There are keys with a strict order in each seed. */
  strict?: boolean;
  /** Runs come to replicas in each seed. */
  entering?: boolean;
}

/** Some seeds look at one statement, and everything that goes wrong around it. */
export function drawFocus(random: SeededRandom): Focus | null {
  const statement = random.pick(AMBUSHED);
  return statement === undefined || random.chance(0.7) ? null : { statement, beside: ACCIDENT_NAMES };
}

/** Draws what will go wrong between two instants. */
export function planAccidents(
  cluster: SimulatedCluster,
  focus: Focus | null,
  { fromMs, untilMs }: { fromMs: number; untilMs: number },
): void {
  const { random, world, server, strict } = cluster;
  const lossChance = random.pick([0, 0, 0.001, 0.004]) ?? 0;
  server.lossChance = strict?.lossChance ?? lossChance;
  server.stallChance = focus?.stalls ?? STALL_CHANCE;
  for (let count = random.whole(2, 7); count > 0; count -= 1) {
    const name = focus === null ? random.pick(ACCIDENT_NAMES) : focused(focus, random);
    if (name === undefined) continue;
    world.after(random.between(fromMs, untilMs), () => {
      world.headline(() => `--- ${name}`);
      strike(name, cluster);
    });
  }
}

function focused({ beside }: Focus, random: SeededRandom): AccidentName | undefined {
  return random.chance(0.4) ? 'a transaction is ambushed' : random.pick(beside);
}

/** No more accidents, and what they did is undone as far as that is possible from outside. */
export function heal({ world, server, apiUser, processes }: SimulatedCluster): void {
  world.headline(() => '--- everything is healed');
  server.lossChance = 0;
  server.stallChance = 0;
  server.refusals.end();
  if (!server.isUp) server.start();
  server.dropDeafSessions();
  server.ambush = null;
  server.endsBehind = null;
  for (const peer of world.peers) if (peer.isStalled) world.resume(peer);
  apiUser.returnAll();
  apiUser.resumeQueues();
  for (const process of processes) {
    process.slowness = 1;
    if (process.isCutOff) world.reconnect(process);
    if (process.isFrozen) world.thaw(process);
  }
}
