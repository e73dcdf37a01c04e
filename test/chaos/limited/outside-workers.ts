// Who pulls? For each limited tenant, and the one whose runs need locks, two workers as users run them
// (libs/client/worker/run-worker.ts), which know the URLs of all replicas and must find another when theirs is gone; and
// one that strays: it takes a run now and then, goes silent until its lease is lost, and only then says that it is done.
// Nothing goes wrong between workers and replicas but what goes wrong with the replicas, so of the former no attempt may
// be lost while any replica and the database are there.
import { randomUUID } from 'node:crypto';
import { setTimeout as rest } from 'node:timers/promises';
import { z } from 'zod';
import { defineJob } from '#client/jobs/job-definition.js';
import { remoteHandler, runWorker, type RunningWorker } from '#client/worker/run-worker.js';
import { ADMIN_KEY } from '../../support/replica-fork.js';
import type { Cluster } from '../cluster.js';
import type { Dice } from '../dice.js';
import { endOutside, type LastWord } from '../last-word.js';
import type { EndSpell, SpellBook } from '../spells.js';
import { LEASE_SECONDS, LIMITED_TENANTS, PULLED } from './tenants.js';
import { UNDER_LOCKS } from './under-locks.js';

const TENANTS = [...LIMITED_TENANTS.map(({ name }) => name), UNDER_LOCKS];
const WORKERS_PER_TENANT = 2;
export const WORKERS = TENANTS.length * WORKERS_PER_TENANT;
const CONCURRENCY = 2;
/** Longer than a lease without a first beat is kept, and than one with it. */
const SILENT_MS = { unheard: 12_000, heard: LEASE_SECONDS * 1_000 + 3_000 };

const EXPECTED_ERRORS = new Set(['CallFailed', 'TimeoutError', 'AbortError']);

const pulled = defineJob({ name: PULLED, payload: z.looseObject({ ms: z.int() }) });

interface Taken {
  readonly token: string;
  readonly run: { readonly id: string; readonly attempt: number };
}

export class OutsideWorkers {
  readonly words: LastWord[] = [];
  /** What no fault can explain: all that workers say but that a call failed or took too long. */
  readonly complaints: string[] = [];
  readonly #cluster: Cluster;
  readonly #spells: SpellBook;
  readonly #workers: RunningWorker[];
  readonly #closed = new AbortController();

  constructor(cluster: Cluster, spells: SpellBook) {
    this.#cluster = cluster;
    this.#spells = spells;
    this.#workers = TENANTS.flatMap((tenant) =>
      Array.from({ length: WORKERS_PER_TENANT }, (_, index) => this.#start(tenant, index)),
    );
  }

  async stop(): Promise<void> {
    this.#closed.abort();
    await Promise.allSettled(this.#workers.map((worker) => worker.stop()));
  }

  /** Takes one run after the other and fails to keep it, until it is told to stop. */
  async strayUntil(stopped: AbortSignal, { dice, everyMs }: { dice: Dice; everyMs: number }): Promise<void> {
    const pending = new Set<Promise<void>>();
    while (!stopped.aborted) {
      const { name: tenant } = dice.pick(LIMITED_TENANTS);
      const beats = dice.next() < 0.5;
      const straying = this.stray(tenant, { beats }).then(() => undefined);
      pending.add(straying);
      void straying.finally(() => pending.delete(straying));
      await rest(everyMs, undefined, { signal: stopped }).catch(() => undefined);
    }
    await Promise.all(pending);
  }

  /** Resolves with the run that it took and let go of; never rejects. */
  async stray(tenant: string, { beats, ms }: { beats: boolean; ms?: number }): Promise<string | null> {
    const path = `/api/v1/tenants/${tenant}/worker`;
    const call = async (what: string, body: object): Promise<unknown> => {
      const seat = this.#cluster.seats.find((each) => each.process !== null);
      const answer = seat === undefined ? null : await this.#cluster.call(seat, `${path}/${what}`, body);
      return answer?.status === 200 ? answer.body : null;
    };
    let end: EndSpell = () => undefined;
    try {
      const registered = await call('workers:register', { name: 'stray', jobTypes: [{ name: PULLED }] });
      const { workerId } = registered as { workerId: string };
      const asked = { workerId, jobTypes: [PULLED], max: 1, waitSeconds: 3, requestId: randomUUID() };
      const { leases } = (await call('leases:acquire', asked)) as { leases: Taken[] };
      const [lease] = leases;
      if (lease === undefined) return null;
      const { id: run, attempt } = lease.run;
      // A run that is lost three times is taken for poison: one loss is enough.
      if (attempt > 1) {
        await call(`leases/${lease.token}:release`, {});
        return null;
      }
      end = this.#spells.begin({ run, attempt, where: 'stray' });
      if (beats) await call(`leases/${lease.token}:heartbeat`, {});
      const silentMs = ms ?? (beats ? SILENT_MS.heard : SILENT_MS.unheard);
      await rest(silentMs, undefined, { signal: this.#closed.signal });
      end();
      const word: LastWord = { run, attempt, saidAtMs: Date.now(), heard: 'unheard' };
      this.words.push(word);
      const origins = (): readonly string[] => this.#cluster.urls;
      word.heard = await endOutside({
        origins,
        path: `${path}/leases/${lease.token}`,
        stopped: this.#closed.signal,
      });
      return run;
    } catch {
      return null; // what it took, if anything, goes back by itself
    } finally {
      end();
    }
  }

  #start(tenant: string, index: number): RunningWorker {
    const handler = remoteHandler(pulled, async ({ payload: { ms } }, { runId, attempt, signal }) => {
      const end = this.#spells.begin({ run: runId, attempt, where: 'worker' });
      try {
        await rest(ms, undefined, { signal });
      } finally {
        end();
      }
    });
    const urls = this.#cluster.urls;
    // Each begins with another replica.
    const url = urls.map((_, place) => urls[(place + index) % urls.length] ?? '');
    const worker = runWorker({
      url,
      tenant,
      key: ADMIN_KEY,
      handlers: [handler],
      concurrency: CONCURRENCY,
      graceSeconds: 1,
      name: `pulls-${index}`,
      onError: ({ name, message }) => {
        if (!EXPECTED_ERRORS.has(name)) this.complaints.push(`${name}: ${message}`);
      },
    });
    worker.ended.catch((error: unknown) => this.complaints.push(`it has ended: ${String(error)}`));
    return worker;
  }
}
