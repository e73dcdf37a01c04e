// What is there to do in a simulated world? A few tenants with schedules, and a user of the API who enqueues
// runs, pauses and resumes schedules, ends terms and drains replicas, with the very code that the API calls.
import { endTerm } from '#cluster/leadership/leadership.repository.js';
import { moveOnTo, returnToService } from '#cluster/membership/replica.repository.js';
import { connectDatabase, type Database } from '#database/connection.js';
import { insertRun } from '#execution/intake/new-run.repository.js';
import { asId, type ReplicaNumber } from '#kernel/ids.js';
import { notify } from '#cluster/hint.repository.js';
import { cancelRuns } from '#execution/run-actions/run-ending.js';
import { RETRIABLE, retryEnded } from '#execution/run-actions/retry-ended.js';
import { changeSchedule, deleteSchedule, type ScheduleChange } from '#scheduling/schedules/schedules.js';
import type { ScheduleRef } from '#scheduling/schedules/held-schedule.js';
import type { Actor } from './actor.js';
import type { Work } from './executions.js';
import type { Invariants } from './invariants.js';
import { queueKey, type ModelDatabase } from './model-database.js';
import { keyOf, oneByOne, OVERLAPS } from './overlaps.js';
import { SeededRandom } from './seeded-random.js';
import { perform } from './stage.js';
import type { World } from './world.js';

const TENANTS = 4;
/** More due times than one pass decides. */
const OUTAGE_SECONDS_MAX = 4_000;

/** So that what a policy is drawn by leaves all else of a seed as it is. */
const APART = 0x7a_11_ed;
/** Bounds that an outage exceeds at times. */
const CATCH_UPS = [
  null,
  JSON.stringify({ mode: 'none' }),
  JSON.stringify({ mode: 'all', withinSeconds: 1_800, max: 3 }),
];

/** Runs of one queue can be paused while the others' go on. */
const QUEUES = ['default', 'default', 'default', 'aside'];
/** As the model's findJobType says. */
const ATTEMPTS_MAX = 3;
/** Scheduled work of what is limited takes no longer. */
const LIMITED_MS = 200;
const JOB_TYPES = ['work', 'work', 'narrow', 'keyed', 'keyed', 'metered', 'metered'];
const KEYS = [null, 'left', 'right', 'right'];

interface SimTenant {
  id: string;
  slot: number;
}

export interface SimSchedule {
  id: string;
  name: string;
}

export class ApiUser implements Actor {
  readonly name = 'the API';
  readonly clockRate = 1;
  readonly clockOffsetMs = 0;
  wallOffsetMs = 0;
  slowness = 1;
  isGone = false;
  isFrozen = false;
  isCutOff = false;
  readonly schedules: SimSchedule[] = [];
  /** How long all that was enqueued would take one after the other, as a limit may want it. */
  serialMs = 0;
  #isAfterOutage = false;
  readonly #tenants: SimTenant[] = [];
  readonly #drained = new Set<ReplicaNumber>();
  readonly #policies: SeededRandom;
  #connected: Database | null = null;

  constructor(
    private readonly world: World,
    private readonly db: ModelDatabase,
    private readonly invariants: Invariants,
  ) {
    this.#policies = new SeededRandom(world.seed ^ APART);
  }

  /** When the cluster began; what was due before that was due while all of it was down. */
  beganWallMs = 0;

  prepare(): void {
    const { random } = this.world;
    this.beganWallMs = this.world.server.wallMs();
    for (let index = 0; index < TENANTS; index += 1) {
      this.#tenants.push({ id: `tenant-${index}`, slot: random.whole(0, this.db.slotCount - 1) });
    }
    this.#limit();
    this.#isAfterOutage = random.chance(0.15);
    for (let index = random.whole(1, 3); index > 0; index -= 1) this.#addSchedule(`schedule-${index}`);
  }

  /** One tenant is limited in what it runs at once, one in how often, one in what may wait; so are some job types. */
  #limit(): void {
    const { db } = this;
    const { random } = this.world;
    const rate = () => ({ count: random.whole(1, 3), perSeconds: random.whole(1, 2) });
    // Its schedules alone, with runs that fail twice, ask for more than three starts a second.
    const limitsOfTenant = [{ maxConcurrent: 2 }, { rate: { count: 6, perSeconds: 1 } }, { maxQueued: 4 }];
    for (const [index, { id }] of this.#tenants.entries())
      db.tenant.put(id, { id, weight: index + 1, limits: limitsOfTenant[index] ?? {} });
    for (const [name, limits] of Object.entries({
      narrow: { maxConcurrent: random.whole(1, 2) },
      keyed: { maxConcurrent: 3, maxConcurrentPerKey: 1 },
      metered: { rate: rate() },
    }))
      db.jobType.put(name, { name, limits });
  }

  enqueue({ tenants = this.#tenants, jobTypes = JOB_TYPES } = {}): void {
    const { random } = this.world;
    const tenant = random.pick(tenants);
    if (tenant === undefined) return;
    const id = this.world.newId('run');
    const runAt = random.chance(0.3) ? new Date(this.world.server.wallMs() + random.between(0, 3_000)) : null;
    const run = {
      id: asId.run(id),
      tenantId: asId.tenant(tenant.id),
      slot: asId.slot(tenant.slot),
      jobType: random.pick(jobTypes) ?? 'work',
      queue: random.pick(QUEUES) ?? 'default',
      concurrencyKey: random.pick(KEYS) ?? null,
      priority: random.whole(0, 1),
      tags: [],
      deadline: random.chance(0.25)
        ? new Date((runAt?.getTime() ?? this.world.server.wallMs()) + random.between(0, 5_000))
        : null,
    };
    const work = this.#work();
    this.serialMs += work.ms * Math.min(ATTEMPTS_MAX, work.failures + 1) + (work.snoozeMs ?? 0);
    this.ask(`enqueue ${id}`, async (db) => {
      await insertRun(db, { ...run, payload: work, runAt });
      this.invariants.acknowledged.add(id);
    });
  }

  /** Any run that is not over, wherever it is. */
  cancel(): void {
    const { random } = this.world;
    const run = random.pick(this.db.run.rows());
    const isHinted = random.chance(0.5);
    if (run === undefined) return;
    const asked = { tenantId: asId.tenant(run.tenantId), slot: asId.slot(run.slot), ids: [asId.run(run.id)] };
    this.ask(`cancel ${run.id}`, async (db) => {
      const { ended, requested } = await cancelRuns(db, asked);
      for (const id of ended) this.invariants.cancelled.add(id);
      if (requested.length > 0 && isHinted) await notify(db, ['cancel']);
    });
  }

  /** Any run that is over without having succeeded. */
  retry(): void {
    const over = this.db.history.rows().filter(({ outcome }) => outcome !== 'succeeded');
    const ended = this.world.random.pick(over);
    if (ended === undefined) return;
    const { row, run } = ended;
    this.serialMs += (row.payload as Work).ms * ATTEMPTS_MAX; // as this made it
    this.#retry(row.tenantId, run);
  }

  /** Any run that is not over, wherever it is: nothing may come of it. */
  retryOpen(): void {
    const open = this.world.random.pick(this.db.run.rows());
    if (open !== undefined) this.#retry(open.tenantId, open.id);
  }

  #retry(tenantId: string, run: string): void {
    this.ask(`retry ${run}`, (db) =>
      retryEnded(db, { tenantId: asId.tenant(tenantId), ids: [asId.run(run)], outcomes: RETRIABLE }),
    );
  }

  changeSchedule(change: ScheduleChange, schedule = this.world.random.pick(this.schedules)): void {
    const ref = this.#refOf(schedule);
    if (ref !== null) this.ask(`${change.kind} ${ref.name}`, (db) => changeSchedule(db, ref, change));
  }

  deleteSchedule(schedule: SimSchedule): void {
    const ref = this.#refOf(schedule);
    if (ref !== null) this.ask(`delete ${ref.name}`, (db) => deleteSchedule(db, ref));
  }

  #refOf(schedule: SimSchedule | undefined): ScheduleRef | null {
    const row = this.db.schedule.get(schedule?.id ?? '');
    if (row === null) return null;
    const tenant = { id: asId.tenant(row.tenantId), slot: asId.slot(row.slot) };
    return { tenant, name: row.name, revision: null, by: 'test' };
  }

  /** Returns what resumes it. The API's own statement writes just this row. */
  pauseQueue(): () => void {
    const { random } = this.world;
    const [tenantId, name] = [random.pick(this.#tenants)?.id ?? '', random.pick(QUEUES) ?? ''];
    const set = (isPaused: boolean): void =>
      this.db.queue.put(queueKey(tenantId, name), { tenantId, name, isPaused });
    set(true);
    return () => set(false);
  }

  resumeQueues(): void {
    for (const row of this.db.queue.rows())
      this.db.queue.put(queueKey(row.tenantId, row.name), { ...row, isPaused: false });
  }

  endTerm(): void {
    this.ask('end the term', endTerm);
  }

  drain(replica: ReplicaNumber): void {
    this.#drained.add(replica);
    this.ask(`drain replica ${replica}`, (db) => moveOnTo(db, replica, 'draining'));
  }

  /** Takes back what would keep the cluster from healing. */
  returnAll(): void {
    for (const replica of this.#drained) {
      this.ask(`return replica ${replica}`, async (db) => {
        await returnToService(db, replica);
        this.#drained.delete(replica);
      });
    }
  }

  #addSchedule(id: string): void {
    const { random } = this.world;
    const tenant = random.pick(this.#tenants);
    if (tenant === undefined) return;
    const seconds = random.whole(2, 5);
    // Of some worlds all replicas have been down for minutes or for hours.
    const outageMs = this.#isAfterOutage ? random.whole(70, OUTAGE_SECONDS_MAX) * 1_000 : 0;
    const firstDueMs =
      Math.ceil(this.world.server.wallMs() / 1_000) * 1_000 + random.whole(1, 4) * 1_000 - outageMs;
    const jobType = random.chance(0.3) ? 'keyed' : 'work';
    const { maxConcurrent } = this.db.tenant.get(tenant.id)?.limits ?? {};
    const isLimited = jobType === 'keyed' || maxConcurrent !== undefined;
    const spec = JSON.stringify({ kind: 'every', seconds, anchorAt: new Date(firstDueMs).toISOString() });
    const catchUp = this.#policies.pick(CATCH_UPS) ?? null;
    const apart = APART + 1 + this.schedules.length;
    const overlap = new SeededRandom(this.world.seed ^ apart).pick(OVERLAPS) ?? null;
    const work = this.#work(isLimited ? LIMITED_MS : undefined);
    this.db.schedule.put(id, {
      id,
      name: id,
      tenantId: tenant.id,
      slot: tenant.slot,
      jobType,
      payload: overlap === null ? work : oneByOne(work, { seconds, overlap }),
      spec,
      catchUp,
      concurrencyKey: overlap && keyOf(this.schedules.length, overlap),
      specSinceMs: null,
      state: 'active',
      pausedUntilMs: null,
      nextDueMs: firstDueMs,
      revision: 1,
    });
    this.schedules.push({ id, name: id });
    this.invariants.asked.begin(id, spec);
    this.invariants.caughtUp.begin(id, catchUp);
  }

  /** What comes again and again must not be more than the limits let through. */
  #work(msMax = 4_000): Work {
    const { random } = this.world;
    const ms = random.chance(0.15) ? random.between(1_000, 4_000) : random.between(1, 500);
    return {
      ms: Math.round(Math.min(ms, msMax)),
      failures: random.chance(0.2) ? random.whole(1, 3) : 0,
      deaf: random.chance(0.3),
      snoozeMs: random.chance(0.1) ? (random.pick([0, 300]) ?? 0) : null,
      talks: random.chance(0.2),
    };
  }

  /** A caller of the API gets an answer, or does not know. */
  ask(what: string, act: (db: Database) => Promise<unknown>): void {
    this.world.headline(() => `--- the API is asked to ${what}`);
    perform(this, () => {
      act(this.#database()).then(
        () => this.world.say(() => `the API did ${what}`),
        (error: Error) => this.world.say(() => `the API could not ${what}: ${error.message}`),
      );
    });
  }

  #database(): Database {
    this.#connected ??= connectDatabase({
      url: 'postgres://simulated',
      applicationName: 'carillon:api',
      maxConnections: 4,
      statementTimeoutMs: 5_000,
      onError: () => undefined,
    });
    return this.#connected;
  }
}
