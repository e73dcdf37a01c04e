// Who uses locks while things go wrong, and what goes wrong with them? Some processes (user-process.ts), one of which is
// frozen beyond its leases, killed and replaced, or cut off every few seconds, beside all that befalls the replicas. In
// the end all are killed at once, with what they hold and wait for.
import { fork, type ChildProcess } from 'node:child_process';
import { rmSync } from 'node:fs';
import { setTimeout as rest } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { until } from '../../support/until.js';
import type { Cluster, Seat } from '../cluster.js';
import type { Dice } from '../dice.js';
import { monotonicMs, readLines, type LockLine } from './lock-log.js';
import { LEASE_SECONDS, LOCK_NAMES, LOCK_TENANT, PERMITS, SEMAPHORE } from './lock-plan.js';

const PROGRAM = fileURLToPath(new URL('user-process.ts', import.meta.url));
const HOOKS = fileURLToPath(new URL('../../support/typescript.mjs', import.meta.url));
const PROCESSES = 3;
const BETWEEN_MS = { min: 3_000, max: 8_000 };
const PAST_LEASE_MS = { min: LEASE_SECONDS * 1_000 + 300, max: LEASE_SECONDS * 1_000 + 2_500 };
const PROBE_LIMIT_MS = 30_000;

export interface LockTrouble {
  readonly kind: 'freeze' | 'kill' | 'mute' | 'deaf';
  /** Whose users' names begin with it. */
  readonly process: string;
  readonly fromMs: number;
  toMs: number;
}

interface UserProcess {
  readonly name: string;
  readonly child: ChildProcess;
}

export interface LockAccount {
  readonly lines: readonly LockLine[];
  readonly troubles: readonly LockTrouble[];
  /** When the last of them was gone; null if there were none. */
  readonly goneAtMs: number | null;
  /** Of each lock: what it was answered to a stranger in the end, who only tries. */
  readonly probes: readonly { readonly lock: string; readonly status: number; readonly atMs: number }[];
  /** Processes that were not killed. */
  readonly ownEnds: readonly string[];
}

export interface LockUsersParts {
  cluster: Cluster;
  databaseUrl: string;
  file: string;
  seed: number;
}

export class LockUsers {
  readonly #parts: LockUsersParts;
  readonly #offsetMs = Date.now() - monotonicMs();
  readonly #troubles: LockTrouble[] = [];
  readonly #children: UserProcess[] = [];
  /** What no process was told to do. */
  readonly #ownEnds: string[] = [];
  #started = 0;
  #goneAtMs: number | null = null;

  constructor(parts: LockUsersParts) {
    this.#parts = parts;
    rmSync(parts.file, { force: true });
    process.once('exit', this.#killAll);
  }

  async add(seat: Seat): Promise<void> {
    const { cluster } = this.#parts;
    await cluster.insist(seat, '/api/v1/tenants', { body: { name: LOCK_TENANT } });
    const path = `/api/v1/tenants/${LOCK_TENANT}/locks/${SEMAPHORE}`;
    await until('the semaphore is there', async () => {
      const answer = await cluster.send(seat, path, { method: 'PUT', body: { permits: PERMITS } });
      return answer.status < 300;
    });
  }

  /** They go on when it is over; see end(). */
  async troubleUntil(stopped: AbortSignal, dice: Dice): Promise<void> {
    for (let count = 0; count < PROCESSES; count += 1) this.#children.push(this.#start());
    while (!stopped.aborted) {
      await rest(dice.between(BETWEEN_MS.min, BETWEEN_MS.max), undefined, { signal: stopped }).catch(
        () => undefined,
      );
      if (stopped.aborted) return;
      const kind = dice.pick(['freeze', 'freeze', 'kill', 'mute', 'deaf'] as const);
      const { name, child } = dice.pick(this.#children);
      const trouble: LockTrouble = {
        kind,
        process: name,
        fromMs: Date.now(),
        toMs: Number.POSITIVE_INFINITY,
      };
      this.#troubles.push(trouble);
      await this.#trouble(child, kind, dice.between(PAST_LEASE_MS.min, PAST_LEASE_MS.max));
      trouble.toMs = Date.now();
    }
  }

  /** Kills all of them at once; any number of calls. */
  async end(): Promise<void> {
    process.off('exit', this.#killAll);
    const children = this.#children.splice(0);
    if (children.length === 0) return;
    await Promise.all(children.map(async ({ child }) => kill(child)));
    this.#goneAtMs = Date.now();
  }

  async account(): Promise<LockAccount> {
    const probes: LockAccount['probes'][number][] = [];
    if (this.#goneAtMs !== null) for (const lock of LOCK_NAMES) probes.push(await this.#probe(lock));
    return {
      lines: readLines(this.#parts.file, this.#offsetMs),
      troubles: this.#troubles,
      goneAtMs: this.#goneAtMs,
      probes,
      ownEnds: this.#ownEnds,
    };
  }

  async #probe(lock: string): Promise<LockAccount['probes'][number]> {
    const { cluster } = this.#parts;
    const path = `/api/v1/tenants/${LOCK_TENANT}/locks/${lock}:acquire`;
    const wish = lock === SEMAPHORE ? { mode: 'permits', permits: PERMITS } : {};
    const body = { holder: 'probe', leaseSeconds: 60, ...wish };
    return until(
      `${lock} is answered`,
      async () => {
        for (const seat of cluster.seats) {
          const answer = await cluster.call(seat, path, body).catch(() => undefined);
          if (answer !== undefined && answer.status < 500 && answer.status !== 429)
            return { lock, status: answer.status, atMs: Date.now() };
        }
        return undefined;
      },
      PROBE_LIMIT_MS,
    );
  }

  async #trouble(child: ChildProcess, kind: LockTrouble['kind'], ms: number): Promise<void> {
    switch (kind) {
      case 'freeze':
        child.kill('SIGSTOP');
        await rest(ms);
        child.kill('SIGCONT');
        return;
      case 'kill':
        await kill(child);
        this.#children.splice(
          0,
          this.#children.length,
          ...this.#children.filter((each) => each.child !== child),
        );
        this.#children.push(this.#start());
        return;
      case 'mute':
      case 'deaf':
        child.send(kind, () => undefined); // one that has ended is found out by its end
        await rest(ms);
        child.send('none', () => undefined);
    }
  }

  #start(): UserProcess {
    const { cluster, databaseUrl, file, seed } = this.#parts;
    const name = `p${(this.#started += 1)}`;
    const drawn = String(seed + this.#started * 1_000);
    const child = fork(PROGRAM, [name, drawn, file, databaseUrl, ...cluster.urls], {
      execArgv: ['--import', HOOKS],
    });
    child.once('exit', (code) => {
      if (code !== null) this.#ownEnds.push(`${name} ended by itself, with ${code}`);
    });
    return { name, child };
  }

  readonly #killAll = (): void => {
    for (const { child } of this.#children) child.kill('SIGKILL');
  };
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await exited;
}
