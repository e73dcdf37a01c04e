// What is there to do in a simulated world? A few tenants with schedules, and somebody at the API who enqueues
// runs, pauses and resumes schedules, ends terms and drains replicas, with the very code that the API calls.
import { endTerm } from '#cluster/leadership.repository.js';
import { leaveState, returnToService } from '#cluster/replica.repository.js';
import { connectDatabase, type Database } from '#database/connection.js';
import { asId, type ReplicaNumber } from '#kernel/ids.js';
import { insertRun } from '#execution/run.repository.js';
import { changeSchedule } from '#scheduling/schedules.js';
import type { Actor } from './actor.js';
import type { Work } from './executions.js';
import type { Invariants } from './invariants.js';
import type { ModelDatabase } from './model-database.js';
import { perform } from './stage.js';
import type { World } from './world.js';

const TENANTS = 4;

interface SimTenant {
  id: string;
  slot: number;
}

export interface SimSchedule {
  id: string;
  name: string;
  tenantId: string;
  periodMs: number;
  firstDueMs: number;
}

export class Workload implements Actor {
  readonly name = 'the API';
  readonly clockRate = 1;
  readonly clockOffsetMs = 0;
  wallOffsetMs = 0;
  slowness = 1;
  isGone = false;
  isFrozen = false;
  isCutOff = false;
  readonly schedules: SimSchedule[] = [];
  readonly #tenants: SimTenant[] = [];
  readonly #drained = new Set<ReplicaNumber>();
  #connected: Database | null = null;

  constructor(
    private readonly world: World,
    private readonly db: ModelDatabase,
    private readonly invariants: Invariants,
  ) {}

  prepare(): void {
    const { random } = this.world;
    for (let index = 0; index < TENANTS; index += 1) {
      this.#tenants.push({ id: `tenant-${index}`, slot: random.whole(0, this.db.slotCount - 1) });
    }
    for (let index = random.whole(1, 3); index > 0; index -= 1) this.#addSchedule(`schedule-${index}`);
  }

  enqueue(): void {
    const { random } = this.world;
    const tenant = random.pick(this.#tenants);
    if (tenant === undefined) return;
    const id = this.world.newId('run');
    const runAt = random.chance(0.3) ? new Date(this.world.server.wallMs() + random.between(0, 3_000)) : null;
    const run = {
      id: asId.run(id),
      tenantId: asId.tenant(tenant.id),
      slot: asId.slot(tenant.slot),
      jobType: 'work',
      priority: random.whole(0, 1),
    };
    this.#ask(`enqueue ${id}`, async (db) => {
      await insertRun(db, { ...run, payload: this.#work(), runAt });
      this.invariants.acknowledged.add(id);
    });
  }

  changeSchedule(kind: 'pause' | 'resume'): void {
    const schedule = this.world.random.pick(this.schedules);
    if (schedule === undefined) return;
    const ref = { tenantId: asId.tenant(schedule.tenantId), name: schedule.name, revision: null };
    this.#ask(`${kind} ${schedule.name}`, (db) => changeSchedule(db, ref, { kind }));
  }

  endTerm(): void {
    this.#ask('end the term', endTerm);
  }

  drain(replica: ReplicaNumber): void {
    this.#drained.add(replica);
    this.#ask(`drain replica ${replica}`, (db) => leaveState(db, replica, 'draining'));
  }

  /** Takes back what would keep the cluster from healing. */
  returnAll(): void {
    for (const replica of this.#drained) {
      this.#ask(`return replica ${replica}`, async (db) => {
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
    const firstDueMs = Math.ceil(this.world.server.wallMs() / 1_000) * 1_000 + random.whole(1, 4) * 1_000;
    const anchorAt = new Date(firstDueMs).toISOString();
    this.db.schedule.put(id, {
      id,
      name: id,
      tenantId: tenant.id,
      slot: tenant.slot,
      jobType: 'work',
      payload: this.#work(),
      spec: JSON.stringify({ kind: 'every', seconds, anchorAt }),
      state: 'active',
      nextDueMs: firstDueMs,
      revision: 1,
    });
    this.schedules.push({ id, name: id, tenantId: tenant.id, periodMs: seconds * 1_000, firstDueMs });
  }

  #work(): Work {
    const { random } = this.world;
    const ms = random.chance(0.15) ? random.between(1_000, 4_000) : random.between(1, 500);
    return {
      ms: Math.round(ms),
      failures: random.chance(0.2) ? random.whole(1, 3) : 0,
      deaf: random.chance(0.3),
    };
  }

  /** A caller of the API gets an answer, or does not know. */
  #ask(what: string, act: (db: Database) => Promise<unknown>): void {
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
