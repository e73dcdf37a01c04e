// What is one simulated replica? The replica of apps/server as it is put together there, with its own timers,
// in a process that can be killed, frozen and cut off from the database. One handler does all work.
import { PinoLogger } from 'nestjs-pino';
import { SchedulerRegistry } from '@nestjs/schedule';
import type { ClusterSettings } from '#cluster/cluster-settings.js';
import type { Incarnation } from '#cluster/membership/membership.js';
import { isStrictLane } from '#execution/claiming/strict/strict-keys.js';
import { NO_RULES } from '#execution/limits/decisions/lane-rules.js';
import type { Batch } from '#execution/settling/unsettled.js';
import { LeaseTokens } from '#execution/leases/lease-token.js';
import { asId, type Slot } from '#kernel/ids.js';
import type { Loop } from '#kernel/loop.js';
import { HandlerRegistry } from '#execution/targets/handler-registry.js';
import type { PlannerSettings } from '#scheduling/planning/planner-settings.js';
import type { ServerConfig } from '#server/settings/config.js';
import { LoopTimers } from '#server/loop-timers.js';
import { drain } from '#server/replica/drain.js';
import { buildReplica, type Replica } from '#server/replica/replica.js';
import { connectWakeUps, hintWork } from '#server/replica/wake-ups.js';
import { schemaChecks } from '../support/schema-checks.js';
import type { Actor } from './actor.js';
import type { Broken } from './broken-protocols.js';
import type { SimEvent } from './event-queue.js';
import type { Executions, Work } from './executions.js';
import type { ModelDatabase } from './model-database.js';
import { perform } from './stage.js';
import type { World } from './world.js';

interface ProcessParts {
  world: World;
  db: ModelDatabase;
  executions: Executions;
  settings: ClusterSettings;
  planning: PlannerSettings;
  broken: Broken;
}

export class SimulatedReplica implements Actor {
  readonly clockRate: number;
  readonly clockOffsetMs: number;
  wallOffsetMs = 0;
  slowness = 1;
  isGone = false;
  isFrozen = false;
  isCutOff = false;
  isLeaving = false;
  incarnations = 0;
  #replica: Replica | null = null;
  readonly #timers: LoopTimers;

  constructor(
    readonly name: string,
    private readonly parts: ProcessParts,
    private readonly preference: number,
  ) {
    const { random } = parts.world;
    this.clockRate = random.between(0.9995, 1.0005);
    this.clockOffsetMs = random.between(0, 1e6);
    this.#timers = new LoopTimers(timerRegistry(), complaints(parts.world, name));
  }

  get replica(): Replica {
    if (this.#replica === null) throw new Error(`expected ${this.name} to have started`);
    return this.#replica;
  }

  get incarnation(): Incarnation | null {
    return this.#replica?.membership.incarnation ?? null;
  }

  start(): void {
    perform(this, () => {
      const replica = buildReplica({
        config: this.#config(),
        registry: this.#registry(),
        url: 'http://replica',
        version: 'simulated',
        handlerPath: 'public',
        tokens: new LeaseTokens(Buffer.alloc(32)),
        checks: schemaChecks(), // no job type there has a schema
        planning: this.parts.planning,
        onError: () => undefined,
        onCallFailed: () => undefined,
      });
      this.#replica = replica;
      this.#watch(replica);
      connectWakeUps(replica, this.#timers);
      // No call of the world's users is debounced, and none is told who owns its slot.
      const idle: Loop[] = [replica.debounced, replica.ownerUrls];
      for (const loop of replica.loops) if (!idle.includes(loop)) this.#timers.drive(loop);
    });
  }

  /** A request here has made work in these slots. */
  hint(slots: Slot[]): void {
    hintWork(this.replica, this.#timers, slots);
  }

  /** SIGKILL. */
  kill(): void {
    this.parts.world.headline(() => `--- ${this.name} is killed`);
    this.isGone = true;
    for (const peer of this.parts.world.peers) if (peer.actor === this) peer.vanish();
  }

  /** SIGTERM: drains, leaves and ends. */
  leave(drainMs: number): void {
    const { world } = this.parts;
    if (this.isLeaving) return;
    world.headline(() => `--- ${this.name} leaves within ${drainMs} ms`);
    this.isLeaving = true;
    const options = { replica: this.replica, timers: this.#timers, drainMs, onError: () => undefined };
    perform(
      this,
      () => void drain({ ...options, monotonicMs: () => world.monotonicMs(this) }).then(() => this.kill()),
    );
  }

  #watch(replica: Replica): void {
    const { membership, leadership, settleLoop, executor, databaseClock } = replica;
    const { world, db, broken, executions } = this.parts;
    const start = executor.start.bind(executor);
    const believesInLocks = broken.has('runs that start without their locks');
    if (believesInLocks) replica.runLocks.concerns = () => false;
    executor.start = (run) => {
      if (believesInLocks) run.run.locks = { door: 0, shovels: 0 };
      executions.noteStart(membership.incarnation?.replica ?? 0, run.run);
      executions.judgeDeadline(run.run.id, databaseClock.now());
      start(run);
    };
    breakOccupancy(replica, broken);
    breakSettling(replica, broken);
    breakOrder(replica, broken);
    leadership.began.subscribe(({ term }) => world.headline(() => `${this.name} leads in term ${term}`));
    leadership.ended.subscribe(({ term, reason }) =>
      world.headline(() => `${this.name} leads no more in term ${term}: ${reason}`),
    );
    settleLoop.claimLost.subscribe((run) => world.say(() => `${this.name} lost its claim on ${run}`));
    membership.cutOff.subscribe((error) =>
      world.headline(() => `${this.name} lost its control session: ${error.message}`),
    );
    membership.joined.subscribe(({ replica }) => {
      this.incarnations += 1;
      world.headline(() => `${this.name} is replica ${replica}`);
    });
    membership.expelled.subscribe(({ incarnation, reason }) => {
      world.headline(() => `${this.name} is no longer replica ${incarnation.replica}: ${reason}`);
      if (!db.isLive(incarnation.replica)) return;
      world.violate(
        'a broken session ends no incarnation',
        `${this.name} gives up being replica ${incarnation.replica}, which is alive`,
      );
    });
    if (!broken.has('no resuming after a broken session')) return;
    membership.cutOff.subscribe(
      () => membership.incarnation !== null && membership.acceptDeath(membership.incarnation),
    );
  }

  #registry(): HandlerRegistry {
    const registry = new HandlerRegistry();
    registry.register({
      definition: { kind: 'job-definition', name: 'work', payload: ANYTHING },
      handle: ({ payload }, context) =>
        this.parts.executions.execute(
          {
            actor: this,
            replica: this.incarnation?.replica ?? 0,
            now: this.replica.databaseClock.now(),
          },
          payload as Work, // as the apiUser made it
          context,
        ),
    });
    return registry;
  }

  #config(): ServerConfig {
    const config: Partial<ServerConfig> = {
      DATABASE_URL: 'postgres://simulated',
      CARILLON_NAME: this.name,
      CARILLON_HOST: '10.0.0.1',
      CARILLON_ROLES: ['api', 'scheduler', 'worker'],
      CARILLON_WEIGHT: 1,
      CARILLON_PREFERENCE: this.preference,
      CARILLON_MAX_HELD: 50,
      CARILLON_MAX_RUNNING: 20,
      CARILLON_WORK_CONNECTIONS: 4,
      CARILLON_STOP_GRACE_SECONDS: 2,
      CARILLON_HINTS_PER_SECOND: 40,
      CARILLON_HORIZON_WARN_SECONDS: 30,
      CARILLON_HTTP_ALLOWED_HOSTS: [],
      cluster: this.parts.settings,
    };
    return config as ServerConfig; // the rest is about the API and other things that are not simulated
  }
}

function breakOccupancy({ held, occupancy, rules, claim: { door } }: Replica, broken: Broken): void {
  const note = rules.note.bind(rules);
  const keepOnly = rules.keepOnly.bind(rules);
  if (broken.has('rules that are forgotten while runs enter'))
    rules.keepOnly = (isWanted) =>
      keepOnly((lane) => isWanted(lane) && (held.ofLane(lane) > 0 || door.entering.ofLane(lane) === 0));
  if (broken.has('schedules whose runs overlap against their policy'))
    rules.note = (lane, known) => note(lane, known.overlap === undefined ? known : NO_RULES);
  const setElsewhere = occupancy.setElsewhere.bind(occupancy);
  if (broken.has('occupancy that ignores what others hold'))
    occupancy.setElsewhere = (_, counted) => setElsewhere([], counted);
  if (!broken.has('former owners go on with what is limited')) return;
  const everySlot = new Map(Array.from({ length: 1_024 }, (_, slot) => [asId.slot(slot), 0]));
  occupancy.setElsewhere = (runs) => setElsewhere(runs, everySlot);
  occupancy.keepOnly = () => undefined;
  held.lanes = () => [];
}

/** All that was taken stays in hand until the last of it is written. */
function breakSettling({ settleLoop: { unsettled }, held }: Replica, broken: Broken): void {
  if (!broken.has('what was written of a batch is put back and counted with the rest')) return;
  const take = unsettled.take.bind(unsettled);
  const written = unsettled.written.bind(unsettled);
  let whole: Batch = { starts: [], endings: [] };
  let done = 0;
  unsettled.take = () => {
    done = 0;
    return (whole = take());
  };
  unsettled.written = ({ endings }) => {
    done += endings.length;
    if (done === whole.endings.length) written(whole);
  };
  held.holds = () => true;
}

/** The next run of a key is claimed while the one before is in hand. */
function breakOrder({ held }: Replica, broken: Broken): void {
  if (!broken.has('owners that go on before an end is written')) return;
  const lanes = held.lanes.bind(held);
  held.lanes = () => [...lanes()].filter((lane) => !isStrictLane(lane));
}

const ANYTHING = {
  '~standard': { version: 1 as const, vendor: 'simulation', validate: (value: unknown) => ({ value }) },
};

/** What LoopTimers needs of Nest's registry. */
function timerRegistry(): SchedulerRegistry {
  const timers = new Map<string, SimEvent>();
  const registry = {
    addTimeout: (name: string, timer: SimEvent) => void timers.set(name, timer),
    doesExist: (_: string, name: string) => timers.has(name),
    getTimeouts: () => [...timers.keys()],
    deleteTimeout: (name: string) => {
      const timer = timers.get(name);
      if (timer !== undefined) timer.act = null;
      timers.delete(name);
    },
  };
  return registry as unknown as SchedulerRegistry; // its timers are those of the simulated setTimeout
}

/** How a pass is refused that was under way when its incarnation or its session ended. */
const ENDED =
  /already been destroyed|after calling end on the pool|connection has been discarded|could not resume/;

/** A pass may throw what the database did; anything else is a bug. */
function complaints(world: World, name: string): PinoLogger {
  const logger = {
    warn: ({ err, loop }: { err: Error; loop: string }) =>
      world.say(() => `${name}: ${loop} failed: ${err.message}`),
    error: ({ err, loop }: { err: Error; loop: string }) => {
      if (!ENDED.test(err.message))
        world.violate('no loop has a bug', `${loop} of ${name} threw ${err.stack ?? err.message}`);
    },
  };
  return logger as unknown as PinoLogger; // LoopTimers calls these two only
}
