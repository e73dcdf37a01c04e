// What is there in one simulation? A world with a database server, replicas that come and go, and those who give
// them work; put together here, and handed to the parts that make it go right, make it go wrong, or judge it.
import { DEFAULT_CLUSTER_SETTINGS, type ClusterSettings } from '#cluster/cluster-settings.js';
import { DEFAULT_PLANNER_SETTINGS } from '#scheduling/planning/planner-settings.js';
import type { Broken } from './broken-protocols.js';
import { drawCrowd, type Crowd } from './crowd.js';
import { Executions } from './executions.js';
import { drawNamedLocks, type LookedFor, type NamedLocks } from './named-locks.js';
import { drawEnteringRuns, type EnteringRuns } from './entering-runs.js';
import { drawStrictKeys, type StrictKeys } from './strict-keys.js';
import { keepKeyBlocks } from './statements/key-blocks.js';
import { releaseRunLocks } from './statements/locks.js';
import { Invariants } from './invariants.js';
import { ModelDatabase } from './model-database.js';
import { SimulatedReplica } from './simulated-replica.js';
import type { SeededRandom } from './seeded-random.js';
import { Server } from './server.js';
import { StatementBook } from './statement-book.js';
import { ApiUser } from './api-user.js';
import type { World } from './world.js';

/** Few, so that each replica has some and building rings is cheap. */
const SLOTS = 32;
const PROCESSES_MAX = 5;

export class SimulatedCluster {
  readonly random: SeededRandom;
  readonly settings: ClusterSettings;
  readonly db = new ModelDatabase(SLOTS);
  readonly invariants: Invariants;
  readonly executions: Executions;
  readonly server: Server;
  readonly apiUser: ApiUser;
  readonly processes: SimulatedReplica[] = [];
  /** Null where no tenant crowds the planner. */
  readonly crowd: Crowd | null;
  /** Null where no one wants named locks. */
  readonly locks: NamedLocks | null;
  /** Null where no key has a strict order. */
  readonly strict: StrictKeys | null;
  /** Null where no run comes to a replica. */
  readonly entering: EnteringRuns | null;
  /** Callers who have not got their locks yet. */
  readonly waitingCallers = new Set<string>();
  /** Null when any may be. */
  readonly statementToAmbush: string | null;

  constructor(
    readonly world: World,
    readonly broken: Broken,
    focus: LookedFor | null,
  ) {
    const { db } = this;
    this.random = world.random;
    this.settings = settingsOf(this.random);
    const { deadAfterMs, crashedAfterMs } = this.settings;
    this.crowd = drawCrowd(world.seed, { slotCount: SLOTS, broken });
    this.locks = drawNamedLocks(world.seed, { slotCount: SLOTS, broken, focus });
    this.strict = drawStrictKeys(world.seed, { slotCount: SLOTS, broken, focus });
    this.entering = drawEnteringRuns(world.seed, { slotCount: SLOTS, broken, focus });
    const drawn = [this.locks, this.strict, this.entering].map((each) => each?.statement ?? null);
    this.statementToAmbush = focus?.statement ?? drawn.find((each) => each !== null) ?? null;
    if (this.locks !== null) db.run.beforeWrite = releaseRunLocks(db, broken);
    if (this.strict !== null) keepKeyBlocks(db, broken);
    if (broken.has('crashes judged at the first look')) this.settings.crashedAfterMs = 0;
    const invariants = new Invariants(world, db, { deadAfterMs, crashedAfterMs, crowd: this.crowd });
    this.invariants = invariants;
    this.executions = new Executions(world, db, invariants);
    const book = new StatementBook(broken);
    const mayTerminate = !this.random.chance(0.15);
    this.server = new Server({ world, db, invariants, book, deadAfterMs, mayTerminate });
    world.server = this.server;
    this.apiUser = new ApiUser(world, db, invariants);
  }

  /** Those that neither ended nor are about to. */
  present(): SimulatedReplica[] {
    return this.processes.filter((process) => !process.isGone && !process.isLeaving);
  }

  someProcess(): SimulatedReplica | undefined {
    return this.random.pick(this.present());
  }

  /** Starts one more, unless there are many already. */
  addProcess(): void {
    if (this.present().length >= PROCESSES_MAX) return;
    const { world, db, executions, settings, broken } = this;
    const name = `p${this.processes.length + 1}`;
    const preference = this.random.chance(0.2) ? 1 : 0;
    const planning = this.crowd?.settings ?? DEFAULT_PLANNER_SETTINGS;
    const parts = { world, db, executions, settings, planning, broken };
    const process = new SimulatedReplica(name, parts, preference);
    this.processes.push(process);
    process.start();
  }
}

function settingsOf(random: SeededRandom): ClusterSettings {
  const liveness = random.chance(0.2) ? 'heartbeats' : 'sessions';
  if (random.chance(0.2)) return { ...DEFAULT_CLUSTER_SETTINGS, liveness };
  const short = { heartbeatMs: 1_000, deadAfterMs: 3_000, marginMs: 600, electionMs: 800, sweepMs: 375 };
  return { liveness, ...short, crashedAfterMs: 187 };
}
