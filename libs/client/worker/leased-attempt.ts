// How does a worker work on one lease? It sends a heartbeat at once, so that no other worker gets the lease, then
// three in each lease's length while the handler runs. Progress and details go with a heartbeat; progress is sent
// within a second. The attempt ends when the handler does, or when the run is cancelled, the lease is lost, the time
// is up, or the worker ends. The unsent parts are sent before the call that ends the lease, which is repeated until a
// replica has received it.
import type { LogLevel } from '#client/jobs/job-definition.js';
import { callInstead, type EndCall } from './end-call.js';
import { encodeDetails, progressOf } from './accepted-json.js';
import { endCallOf, Stopped } from './handled.js';
import { askPreviousFire } from './previous-fire.js';
import type { RemoteContext, RemoteHandler } from './remote-handler.js';
import { WaitingLines } from './waiting-lines.js';
import { CallFailed, insist, type CallWorkerApi } from './worker-calls.js';

export interface Lease {
  token: string;
  fencingToken: number;
  leaseSeconds: number;
  timeoutSeconds: number;
  run: {
    id: string;
    jobType: string;
    payload: unknown;
    attempt: number;
    dueAt: string | null;
    details: unknown;
    /** Absent where a replica of an older version answers. */
    locks?: Record<string, number>;
  };
}

interface BeatAnswer {
  cancelRequested: boolean;
  /** The parts of the heartbeat that could not be kept; the lease is kept regardless. */
  dropped?: readonly { pointer: string; detail: string }[];
}

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];
/** The call itself, its replacement when it is refused, and the replacement of that. */
const END_CALLS_MAX = 3;
/** A lease without a heartbeat within this time is offered again. */
const FIRST_BEAT_MS = 10_000;
/** A handler may report progress a thousand times a second; one heartbeat carries the newest. */
const TELL_AFTER_MS = 1_000;
/** The work is done, and its end must not wait long for values that are only shown. */
const LAST_BEAT_MS = 1_000;

export interface AttemptParts {
  lease: Lease;
  handler: RemoteHandler;
  call: CallWorkerApi;
  tenant: string;
  /** Aborted when the worker may wait no longer. */
  shutdown: AbortSignal;
  onError: (error: Error) => void;
}

/** Never rejects. */
export async function workOn(parts: AttemptParts): Promise<void> {
  const attempt = new LeasedAttempt(parts);
  await attempt.run().catch(parts.onError);
}

class LeasedAttempt {
  readonly #parts: AttemptParts;
  readonly #stop = new AbortController();
  /** Aborted when the handler has ended: a failed heartbeat is then not repeated. */
  readonly #over = new AbortController();
  readonly #said: { progress?: object; details?: unknown } = {};
  readonly #lines = new WaitingLines();
  #beating: Promise<void> | null = null;
  #again = false;
  #soon: NodeJS.Timeout | undefined;
  #lost: NodeJS.Timeout | undefined;

  constructor(parts: AttemptParts) {
    this.#parts = parts;
  }

  async run(): Promise<void> {
    const { lease, shutdown } = this.#parts;
    const stop = (why: Stopped['why'], message: string) => () => this.#stop.abort(new Stopped(why, message));
    const end = stop('shutdown', 'this worker is shutting down');
    if (shutdown.aborted) end();
    shutdown.addEventListener('abort', end);
    const timeout = setTimeout(
      stop('timeout', 'the attempt took longer than its timeout'),
      lease.timeoutSeconds * 1_000,
    );
    const beats = setInterval(() => this.#beat(), this.#beatMs);
    this.#trustUntil(performance.now() + Math.min(FIRST_BEAT_MS, this.#leaseMs));
    this.#beat();
    try {
      const { handler } = this.#parts;
      const { jobType: job, payload } = lease.run;
      const { signal } = this.#stop;
      const context = this.#context();
      const end = await endCallOf(handler, { job, payload, context, signal, now: () => new Date() });
      this.#over.abort();
      clearTimeout(this.#soon);
      await this.#beating;
      if (end !== null) await this.#sendEnd(end);
    } finally {
      clearInterval(beats);
      clearTimeout(timeout);
      clearTimeout(this.#soon);
      clearTimeout(this.#lost);
      shutdown.removeEventListener('abort', end);
    }
  }

  get #leaseMs(): number {
    return this.#parts.lease.leaseSeconds * 1_000;
  }

  /** The pause between two heartbeats, and the time limit of one: another replica may be quicker. */
  get #beatMs(): number {
    return Math.floor(this.#leaseMs / 3); // time limits are whole milliseconds
  }

  #trustUntil(atMs: number): void {
    clearTimeout(this.#lost);
    const expire = (): void =>
      this.#stop.abort(new Stopped('lease-lost', 'no heartbeat was acknowledged for too long'));
    this.#lost = setTimeout(expire, atMs - performance.now());
  }

  #beatSoon(): void {
    this.#soon ??= setTimeout(() => {
      this.#soon = undefined;
      this.#beat();
    }, TELL_AFTER_MS);
  }

  #beat(): void {
    if (this.#over.signal.aborted) return; // unsent parts go before the call that ends the lease
    this.#again = this.#beating !== null;
    if (this.#again) return;
    this.#beating = this.#sendBeat()
      .catch((error: unknown) => {
        if (error instanceof CallFailed && error.status === 409)
          this.#stop.abort(new Stopped('lease-lost', error.message));
        else this.#parts.onError(error as Error);
      })
      .finally(() => {
        this.#beating = null;
        if (this.#again) this.#beat();
      });
  }

  async #sendBeat(limitMs = this.#beatMs): Promise<void> {
    const { lease, call, onError } = this.#parts;
    const signal = AbortSignal.timeout(this.#leaseMs);
    const said = { ...this.#said };
    // The lease lasts from the request on, since its answer may have taken a while.
    let askedAtMs = performance.now();
    const ask = (): Promise<BeatAnswer> => {
      askedAtMs = performance.now();
      return call({ path: `leases/${lease.token}:heartbeat`, body: said, signal, limitMs });
    };
    const worthIt = AbortSignal.any([signal, this.#over.signal]);
    const answer = await insist(ask, { signal: worthIt, onError });
    this.#trustUntil(askedAtMs + this.#leaseMs);
    if (said.details === this.#said.details) delete this.#said.details;
    if (said.progress === this.#said.progress) delete this.#said.progress;
    for (const { pointer, detail } of answer.dropped ?? [])
      onError(new Error(`a part of a heartbeat was dropped: ${pointer}: ${detail}`));
    if (answer.cancelRequested) this.#stop.abort(new Stopped('cancelled', 'the run was cancelled'));
    await this.#sendLines(signal);
  }

  async #sendLines(signal: AbortSignal): Promise<void> {
    const path = `leases/${this.#parts.lease.token}/logs`;
    await this.#lines.send((body) => this.#parts.call({ path, body, signal }));
  }

  async #sendEnd(end: EndCall): Promise<void> {
    const { onError } = this.#parts;
    const isAllSent = Object.keys(this.#said).length === 0;
    if (!isAllSent) await this.#sendBeat(Math.min(LAST_BEAT_MS, this.#beatMs)).catch(onError);
    const signal = AbortSignal.timeout(this.#leaseMs);
    await this.#sendLines(signal).catch(onError);
    // A refused output becomes a failure, and a refused failure one with the reason: without an end the worker would
    // seem silent, and the run would be repeated.
    let next: EndCall | null = end;
    for (let tries = 0; next !== null && tries < END_CALLS_MAX; tries += 1)
      next = await this.#sendEndOnce(next, signal);
  }

  /** Resolves with the call to make instead, when this one was refused. */
  async #sendEndOnce(end: EndCall, signal: AbortSignal): Promise<EndCall | null> {
    const { lease, call, onError } = this.#parts;
    const path = `leases/${lease.token}:${end.verb}`;
    const request = { path, body: end.body, signal, limitMs: this.#beatMs };
    try {
      await insist(() => call(request), { signal, onError });
      return null;
    } catch (error) {
      const instead = error instanceof CallFailed ? callInstead(end, error) : null;
      if (instead === null) throw error;
      onError(error as Error);
      return instead;
    }
  }

  #context(): RemoteContext {
    const { lease, tenant } = this.#parts;
    const { id, attempt, dueAt, details, locks = {} } = lease.run;
    const write = (level: LogLevel) => (first: unknown, message?: unknown) =>
      this.#lines.add({ level, at: new Date() }, first, message);
    return {
      tenant,
      runId: id,
      attempt,
      dueAt: dueAt === null ? null : new Date(dueAt),
      idempotencyKey: id,
      signal: this.#stop.signal,
      fencingToken: lease.fencingToken,
      lastDetails: details,
      locks,
      // Each level is there, since the list of levels has them all.
      log: Object.fromEntries(LEVELS.map((level) => [level, write(level)])) as RemoteContext['log'],
      progress: (fraction, message) => {
        this.#said.progress = progressOf(fraction, message);
        this.#beatSoon();
      },
      heartbeat: (details) => {
        try {
          if (details !== undefined) this.#said.details = encodeDetails(details);
        } finally {
          this.#beat(); // also when its details are refused
        }
      },
      previousFire: () =>
        dueAt === null ? Promise.resolve(null) : askPreviousFire(this.#parts, this.#stop.signal),
    };
  }
}
