// How is Carillon measured? As it is shipped: replicas of the built server with their default settings, and a thousand
// tenants. Work is put into the table by one statement while all tenants are suspended, so that the way in does not
// shape what is measured; then they are resumed with the hint that the API would send.
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { migrateToLatest } from '#database/migrating/migrator.js';
import { ADMIN_KEY, forkReplica, type ReplicaFork } from '../../support/replica-fork.js';
import { until } from '../../support/until.js';
import { payloadOf } from '../peers/peer.js';
import type { Contestant } from './contestant.js';

export const TENANTS = 1_000;
const DRAIN_LIMIT_MS = 300_000;
const SETTLE_LIMIT_MS = 60_000;

export interface CarillonOptions {
  readonly databaseUrl: string;
  readonly tenants?: number;
  /** Replicas that only answer requests, so that nothing of what comes in is taken. */
  readonly takesNothing?: boolean;
}

/** A job whose output tells how long it waited; by the clock of this machine, as the peers' workers do. */
export const WAITING_JOB = 'bench.wait';
const HANDLERS = `
import { defineJob, handler } from 'carillon';
import { z } from 'zod';

export const waiting = handler(defineJob({ name: '${WAITING_JOB}', payload: z.unknown() }), ({ payload }) => ({
  waitedMs: performance.timeOrigin + performance.now() - payload.askedAtMs,
}));
`;

export class Carillon implements Contestant {
  readonly name = 'Carillon';
  readonly databaseUrl: string;
  /** For looking, and for putting work in. */
  readonly pool: pg.Pool;
  readonly #takesNothing: boolean;
  readonly #folder: string;
  #replicas: ReplicaFork[] = [];

  private constructor(options: CarillonOptions, folder: string) {
    this.#takesNothing = options.takesNothing ?? false;
    this.#folder = folder;
    this.databaseUrl = options.databaseUrl;
    this.pool = new pg.Pool({ connectionString: options.databaseUrl, max: 4 });
    this.pool.on('error', () => undefined);
    process.once('exit', this.#killAll);
  }

  static async open(options: CarillonOptions): Promise<Carillon> {
    await migrateToLatest(options.databaseUrl);
    const folder = await mkdtemp(join(tmpdir(), 'carillon-bench-'));
    await writeFile(join(folder, 'waiting.mjs'), HANDLERS);
    const carillon = new Carillon(options, folder);
    await carillon.pool.query(
      `insert into carillon.tenant (id, name, display_name, slot)
       select gen_random_uuid(), 'tenant-' || n, 'Tenant ' || n, n * 7919 % (select slot_count from carillon.installation)
         from generate_series(0, $1::int - 1) n`,
      [options.tenants ?? TENANTS],
    );
    return carillon;
  }

  readonly pids = (): number[] => this.#replicas.map(({ pid }) => pid);

  /** The API of the first replica. */
  get url(): string {
    return this.urls[0] ?? '';
  }

  get urls(): readonly string[] {
    return this.#replicas.map(({ url }) => url);
  }

  async staff(processes: number): Promise<void> {
    while (this.#replicas.length > processes) await this.#dismissOne();
    while (this.#replicas.length < processes) await this.#addOne();
    await this.#untilSettled();
  }

  /** The URL of the replica that serves each tenant. */
  async owners(): Promise<ReadonlyMap<string, string>> {
    const { rows } = await this.pool.query<{ name: string; url: string }>(
      `select t.name, r.url from carillon.tenant t
         join carillon.slot_owner s on s.slot = t.slot join carillon.replica r on r.number = s.owner`,
    );
    return new Map(rows.map(({ name, url }) => [name, url]));
  }

  async fill(runs: number): Promise<void> {
    await this.setState('suspended');
    await this.addRuns({ runs });
  }

  /** Puts so many runs of these tenants, all unless told otherwise, into the table, due now. */
  async addRuns({
    runs,
    tenants = 'tenant-%',
    jobType = 'noop',
  }: {
    runs: number;
    tenants?: string;
    jobType?: string;
  }): Promise<void> {
    await this.pool.query(
      `insert into carillon.run (id, tenant_id, slot, job_type, payload, run_at)
       select carillon.new_id(), t.id, t.slot, $2, jsonb_build_object('number', n, 'note', $3::text), clock_timestamp()
         from generate_series(0, $4::int - 1) n
         join (select id, slot, row_number() over (order by name) - 1 as place, count(*) over () as places
                 from carillon.tenant where name like $1) t on t.place = n % t.places`,
      [tenants, jobType, payloadOf(0).note, runs],
    );
  }

  async drain(): Promise<number> {
    const { rows } = await this.pool.query<{ id: string }>(
      'select /* bench */ id from carillon.run order by id limit 1',
    );
    await this.setState('active');
    await this.hint();
    return this.#untilDone(rows[0]?.id);
  }

  /**
   * Resolves, once no run is left, with the time since the first start of this run and those made after it. Tenant by
   * tenant, which is the way of the index: a walk over ten million rows would count as a cost of the drain.
   */
  async #untilDone(firstId: string | undefined): Promise<number> {
    const endedAtMs = await until('Carillon has nothing left', () => this.#doneAtMs(), DRAIN_LIMIT_MS);
    const firstAtMs = await this.#number(
      `select /* bench */ extract(epoch from min(h.started_at))::float8 * 1000 as answer
         from carillon.tenant t
        cross join lateral (select started_at from carillon.run_history where tenant_id = t.id and id >= $1 offset 0) h`,
      [firstId],
    );
    return endedAtMs - firstAtMs;
  }

  /** The database's time, unless there is something left. */
  async #doneAtMs(): Promise<number | null> {
    const { rows } = await this.pool.query<{ atMs: number | null }>(
      // Claims first: to find the head of the runs' index, each look would walk over all that have ended since the last
      // vacuum, which took as much as a sixth of what PostgreSQL did for the drain itself.
      `select /* bench */ case when exists (select 1 from carillon.claim) then null
              when exists (select 1 from carillon.run order by id limit 1) then null
              else extract(epoch from clock_timestamp())::float8 * 1000 end as "atMs"`,
    );
    return rows[0]?.atMs ?? null;
  }

  async isDone(): Promise<boolean> {
    return (await this.#doneAtMs()) !== null;
  }

  /** How long the runs of the waiting job waited that are over. */
  async waitsMs(): Promise<number[]> {
    const { rows } = await this.pool.query<{ waitedMs: number }>(
      `select /* bench */ (output ->> 'waitedMs')::float8 as "waitedMs" from carillon.run_history where job_type = $1`,
      [WAITING_JOB],
    );
    return rows.map((row) => row.waitedMs);
  }

  /** What the API says to all replicas when there may be work anywhere. */
  async hint(): Promise<void> {
    await this.pool.query(`select /* bench */ pg_notify('carillon', 'work:')`);
  }

  async clear(): Promise<void> {
    await this.pool.query('truncate /* bench */ carillon.run_history');
  }

  async dismiss(): Promise<void> {
    while (this.#replicas.length > 0) await this.#dismissOne();
  }

  async close(): Promise<void> {
    await this.dismiss();
    process.off('exit', this.#killAll);
    await this.pool.end();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Runs that are over. */
  async countDone(): Promise<number> {
    return this.#number('select /* bench */ count(*)::int as answer from carillon.run_history');
  }

  async countQueued(): Promise<number> {
    return this.#number('select /* bench */ count(*)::int as answer from carillon.run');
  }

  /** Claims that replicas hold. */
  async countHeld(): Promise<number> {
    return this.#number('select /* bench */ count(*)::int as answer from carillon.claim');
  }

  /** Since the first start of those in the history. */
  async msSinceFirstStart(): Promise<number> {
    return this.#number(
      `select /* bench */ extract(epoch from clock_timestamp() - min(started_at))::float8 * 1000 as answer from carillon.run_history`,
    );
  }

  /** Asks the API of the first replica, or of the one that is named: a GET without a body. */
  async ask<Answer>(path: string, body?: object, url = this.url): Promise<Answer> {
    const answer = await fetch(`${url}/api/v1${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`expected 2xx from ${path}, got ${answer.status}: ${text}`);
    return (text === '' ? null : JSON.parse(text)) as Answer; // by the API's description
  }

  async setState(state: 'active' | 'suspended'): Promise<void> {
    await this.pool.query(`update /* bench */ carillon.tenant set state = $1 where name like 'tenant-%'`, [
      state,
    ]);
  }

  async #number(question: string, values: readonly unknown[] = []): Promise<number> {
    const { rows } = await this.pool.query<{ answer: number }>(question, [...values]);
    return rows[0]?.answer ?? Number.NaN;
  }

  async #addOne(): Promise<void> {
    const name = `replica-${this.#replicas.length + 1}`;
    const replica = await forkReplica({
      databaseUrl: this.databaseUrl,
      name,
      sideLog: join(this.#folder, 'side-log.ndjson'),
      env: {
        CARILLON_HANDLERS: this.#folder,
        // As the peers have settings that suit work which takes no time: the default is for work that does.
        CARILLON_MAX_RUNNING: '1000',
        ...(this.#takesNothing ? { CARILLON_ROLES: 'api,scheduler' } : {}),
      },
    });
    this.#replicas.push(replica);
  }

  async #dismissOne(): Promise<void> {
    const replica = this.#replicas.pop();
    if (replica === undefined) return;
    replica.child.kill('SIGTERM');
    await replica.exited;
  }

  /** Every slot is served by a process that is here, and none is on its way. */
  async #untilSettled(): Promise<void> {
    if (this.#replicas.length === 0 || this.#takesNothing) return;
    await until(
      'the replicas share the slots',
      async () => {
        const { rows } = await this.pool.query<{ pids: number[]; isMoving: boolean }>(
          `select array_agg(distinct coalesce(r.pid, 0)) as pids, bool_or(o.target is not null) as "isMoving"
             from carillon.slot_owner o left join carillon.replica r on r.number = o.owner`,
        );
        const { pids = [], isMoving = true } = rows[0] ?? {};
        const ours = this.pids();
        return !isMoving && pids?.length === ours.length && pids.every((pid) => ours.includes(pid));
      },
      SETTLE_LIMIT_MS,
    );
  }

  readonly #killAll = (): void => {
    for (const { child } of this.#replicas) child.kill('SIGKILL');
    if (existsSync(this.#folder)) void rm(this.#folder, { recursive: true, force: true });
  };
}
