// Runs a worker in your own process, without being a replica. It registers, takes leases by long poll up to its
// concurrency, and works on each. When it is asked to stop it takes no more runs, lets running handlers finish, and
// releases the runs that have not finished in time. It needs a URL, a key, and no part of the server.
import { wholeWishes } from '#client/options/lock-wishes.js';
import { expectDefinition, expectFunction } from '#client/options/known-options.js';
import type { Job, JobDefinition } from '#client/jobs/job-definition.js';
import { DefinedSchedules } from './defined-schedules.js';
import { workOn, type Lease } from './leased-attempt.js';
import type { RemoteContext, RemoteHandler } from './remote-handler.js';
import { refuseOldNode, showErrors } from './worker-process.js';
import { expectWorkerOptions, reachable } from './worker-options.js';
import { CallFailed, insist, rest, workerApi, type CallWorkerApi } from './worker-calls.js';

export interface WorkerOptions {
  /**
   * The URL of the API, e.g. `http://localhost:8080`, or those of several replicas. One is used until it fails to
   * answer, then the next.
   */
  url: string | readonly string[];
  /**
   * A key with the role `worker` or more. The value of an environment variable may be passed as it is: undefined is
   * refused at once.
   */
  key: string | undefined;
  tenant: string;
  /** Made with `remoteHandler`. */
  handlers: readonly NamedHandler[];
  /** How many runs it works on at once. Default: 1. */
  concurrency?: number;
  /** The name in the list of workers. Default: worker. */
  name?: string;
  labels?: Readonly<Record<string, string>>;
  /** How long running handlers may go on after `stop()`. Default: 30. */
  graceSeconds?: number;
  /**
   * Called for each failed call that is repeated, and for each dropped part of a heartbeat. Default: shows them on
   * stderr, not too often.
   */
  onError?: (error: Error) => void;
}

export interface NamedHandler extends RemoteHandler {
  definition: JobDefinition<unknown>;
}

/** Pairs a job with its function in a remote worker. */
export function remoteHandler<Payload, Input, Output>(
  definition: JobDefinition<Payload, Input, Output>,
  handle: (job: Job<Payload>, context: RemoteContext) => Output | Promise<Output>,
): NamedHandler {
  expectDefinition(definition);
  expectFunction(`the handler of ${definition.name}`, handle);
  // What the handler gets has passed the definition's own schema.
  const { payload, output } = definition;
  return { definition, payload, output, handle: handle as NamedHandler['handle'] };
}

export interface RunningWorker {
  /**
   * Resolves when it has registered, so that its job types exist and runs of them can be created. Rejects when it ends
   * before that.
   */
  readonly ready: Promise<void>;
  /**
   * Resolves when the worker has ended; rejects when the API refuses it for good: a wrong key, or an unknown tenant.
   * A rejection that no one awaits ends the process, as any other does.
   */
  readonly ended: Promise<void>;
  /** Takes no more runs, waits for running handlers, releases the rest. Resolves when the worker has ended. */
  stop(): Promise<void>;
}

const WAIT_SECONDS = 25;
/** A replica that was asked to wait must answer soon after that time. */
const ACQUIRE_LIMIT_MS = (WAIT_SECONDS + 10) * 1_000;
const QUIET_MS = 1_000;
const GIVE_BACK_MS = 2_000;
const DEREGISTER_MS = 2_000;

/** Throws for invalid options, and on a Node that is too old. */
export function runWorker(options: WorkerOptions): RunningWorker {
  refuseOldNode(process.versions.node);
  const worker = new PullWorker(options);
  const ended = worker.run();
  const stop = async (): Promise<void> => {
    worker.stop();
    await ended;
  };
  return { ready: worker.ready, ended, stop };
}

// Fields are written out, here and where this leads, so that Node loads the source as it is.
class PullWorker {
  readonly #options: WorkerOptions;
  readonly #handlers: ReadonlyMap<string, NamedHandler>;
  readonly #call: CallWorkerApi;
  readonly #onError: (error: Error) => void;
  readonly #schedules: DefinedSchedules;
  readonly #running = new Set<Promise<void>>();
  readonly #stopping = new AbortController();
  readonly #shutdown = new AbortController();
  #heartbeatMs = 10_000;
  #isQuiet = false;
  #workerId: string | null = null;
  #wake: () => void = () => undefined;
  #onRegistered: () => void = () => undefined;
  #onOver: (error: unknown) => void = () => undefined;
  readonly ready = new Promise<void>((resolve, reject) => {
    [this.#onRegistered, this.#onOver] = [resolve, reject];
  });

  constructor(options: WorkerOptions) {
    expectWorkerOptions(options);
    this.#options = options;
    this.#handlers = new Map(options.handlers.map((handler) => [handler.definition.name, handler]));
    this.ready.catch(() => undefined); // `ended`, whose rejection ends the process, tells of the same
    this.#call = workerApi(reachable(options));
    this.#onError = options.onError ?? showErrors();
    this.#schedules = new DefinedSchedules({
      call: this.#call,
      tenant: options.tenant,
      definitions: options.handlers.map(({ definition }) => definition),
      onError: this.#onError,
    });
  }

  stop(): void {
    this.#stopping.abort();
    this.#wake();
  }

  async run(): Promise<void> {
    const { signal } = this.#stopping;
    try {
      while (!signal.aborted) await this.#serve(await this.#register());
    } catch (error) {
      this.#onOver(error);
      if (!signal.aborted) throw error;
    } finally {
      this.#onOver(new Error('expected the worker to register, got a stop'));
      this.#stopping.abort();
      await this.#windUp();
    }
  }

  async #register(): Promise<string> {
    const { name = 'worker', concurrency = 1, labels = {} } = this.#options;
    const jobTypes = [...this.#handlers.values()].map(({ definition }) => describeJob(definition));
    const answer = await this.#insist<{ workerId: string; heartbeatSeconds: number }>('workers:register', {
      name,
      concurrency,
      labels,
      jobTypes,
    }).catch((error: unknown) => {
      throw error instanceof CallFailed ? refused(error, this.#options) : error;
    });
    this.#heartbeatMs = answer.heartbeatSeconds * 1_000;
    this.#workerId = answer.workerId;
    this.#onRegistered();
    return answer.workerId;
  }

  /** Takes leases until the worker stops, or the API no longer knows it. */
  async #serve(workerId: string): Promise<void> {
    const over = new AbortController();
    const serving = AbortSignal.any([over.signal, this.#stopping.signal]);
    const beating = Promise.all([this.#beat(workerId, serving), this.#schedules.keepTelling(serving)]);
    try {
      while (!this.#stopping.signal.aborted) await this.#takeSome(workerId);
    } catch (error) {
      if (!(error instanceof CallFailed) || error.status !== 404) throw error;
      this.#onError(error);
    } finally {
      over.abort();
      await beating;
    }
  }

  async #takeSome(workerId: string): Promise<void> {
    const free = (this.#options.concurrency ?? 1) - this.#running.size;
    if (free <= 0) return this.#untilWoken();
    if (this.#isQuiet) return rest(QUIET_MS, this.#stopping.signal);
    // The same id until an answer has arrived: leases whose answer got lost are then returned again.
    const requestId = crypto.randomUUID();
    const jobTypes = [...this.#handlers.keys()];
    const body = { workerId, jobTypes, max: Math.min(free, 100), waitSeconds: WAIT_SECONDS, requestId };
    try {
      const { leases } = await this.#insist<{ leases: Lease[] }>('leases:acquire', body, ACQUIRE_LIMIT_MS);
      for (const lease of leases) this.#start(lease);
    } catch (error) {
      if (this.#stopping.signal.aborted) await this.#releaseLeases(body);
      throw error;
    }
  }

  /** The answer of an aborted request may have held leases: releases them, so that other workers need not wait. */
  async #releaseLeases(request: object): Promise<void> {
    const signal = AbortSignal.timeout(GIVE_BACK_MS);
    try {
      const again = { path: 'leases:acquire', body: { ...request, waitSeconds: 0 }, signal };
      const { leases } = await this.#call<{ leases: Lease[] }>(again);
      for (const { token } of leases) await this.#call({ path: `leases/${token}:release`, body: {}, signal });
    } catch (error) {
      this.#onError(error as Error); // the leases expire a little later
    }
  }

  #start(lease: Lease): void {
    const handler = this.#handlers.get(lease.run.jobType);
    if (handler === undefined) return; // not requested; the lease expires
    const { tenant } = this.#options;
    const parts = {
      lease,
      handler,
      tenant,
      call: this.#call,
      shutdown: this.#shutdown.signal,
      onError: this.#onError,
    };
    const work = workOn(parts).finally(() => {
      this.#running.delete(work);
      this.#wake();
    });
    this.#running.add(work);
  }

  /** Resolves when a run has ended, or the worker must stop. */
  async #untilWoken(): Promise<void> {
    if (!this.#stopping.signal.aborted) await new Promise<void>((resolve) => (this.#wake = resolve));
  }

  async #beat(workerId: string, signal: AbortSignal): Promise<void> {
    for (await rest(this.#heartbeatMs, signal); !signal.aborted; await rest(this.#heartbeatMs, signal)) {
      try {
        const { state } = await this.#call<{ state: string }>({
          path: `workers/${workerId}:heartbeat`,
          body: {},
          signal,
        });
        this.#isQuiet = state === 'quiet';
        if (state === 'terminate') this.stop();
      } catch (error) {
        if (!signal.aborted) this.#onError(error as Error);
      }
    }
  }

  async #windUp(): Promise<void> {
    const all = Promise.all(this.#running);
    const over = new AbortController();
    const grace = rest((this.#options.graceSeconds ?? 30) * 1_000, over.signal);
    await Promise.race([all, grace]);
    over.abort();
    this.#shutdown.abort();
    await all;
    await this.#deregister();
  }

  /** The last call: the worker disappears from the list of workers. */
  async #deregister(): Promise<void> {
    if (this.#workerId === null) return;
    const path = `workers/${this.#workerId}:deregister`;
    const ended = this.#call({ path, body: {}, signal: AbortSignal.timeout(DEREGISTER_MS) });
    // A replica of an older version does not know this call, and forgets the worker after a day.
    await ended.catch((error: unknown) => {
      const isUnknown = error instanceof CallFailed && (error.status === 404 || error.status === 405);
      if (!isUnknown) this.#onError(error as Error);
    });
  }

  #insist<Answer>(path: string, body: object, limitMs?: number): Promise<Answer> {
    const { signal } = this.#stopping;
    const call = { path, body, signal, ...(limitMs === undefined ? {} : { limitMs }) };
    return insist(() => this.#call<Answer>(call), { signal, onError: this.#onError });
  }
}

const LOOK_AT: Readonly<Record<number, string>> = {
  401: 'its key is not valid; check `key`',
  403: 'its key is not for this tenant or not for workers; check `key` and `tenant`',
  404: 'there is no such tenant or no such API; check `tenant` and `url`',
};

/** Names the options to check, for the person who started the worker. */
function refused({ status, message }: CallFailed, { tenant, url }: WorkerOptions): CallFailed {
  const look = LOOK_AT[status];
  const why = look === undefined ? message : `${look} (${message})`;
  return new CallFailed(
    status,
    `the worker of tenant ${tenant} cannot register at ${[url].flat().join(', ')}: ${why}`,
  );
}

function describeJob({ name, timeoutSeconds, retry, locks, keyDefaults }: JobDefinition<unknown>): object {
  // JSON omits undefined fields, and the API keeps the stored values of omitted fields.
  return { name, timeoutSeconds, retry, locks: locks && wholeWishes(locks), keyDefaults };
}
