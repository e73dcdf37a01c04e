// How does a worker work on one lease? It beats at once, so that the lease is not given to another, then three times
// in each lease's length, while the handler runs; what the handler says of itself goes along, and does not wait for the
// next beat: progress is sent within a second. The attempt ends when the handler does, or when there is a reason to
// stop: the run was cancelled, the lease is lost, the time is up, or the worker ends. Before its last word, which is
// repeated until a replica has heard it, goes what has not been sent yet.
import type { Job, JobContext, LogLevel } from '#client/jobs/job-definition.js';
import { misfit, wordInstead, wordOfReturned, wordOfThrown, type LeaseWord } from './lease-word.js';
import { Snooze } from '#client/jobs/outcomes.js';
import { InvalidPayloadError, pathOf } from '#client/jobs/payload-check.js';
import { encodeDetails, progressOf } from './sayable.js';
import type { StandardSchemaV1 } from '#client/jobs/standard-schema.js';
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
  };
}

/** What a handler in a replica is told, too; what needs the database is not there. */
type Told = Pick<JobContext, 'tenant' | 'runId' | 'attempt' | 'dueAt' | 'idempotencyKey' | 'signal'>;

export interface RemoteContext extends Told {
  /** Grows with each lease: let what you write to refuse a smaller one. */
  readonly fencingToken: number;
  /** What an earlier attempt last gave to `heartbeat`; null if nothing. */
  readonly lastDetails: unknown;
  readonly log: Readonly<Record<LogLevel, (first: string | object, message?: string) => void>>;
  /** How far the attempt is, 0 to 1; shown with the run. */
  readonly progress: (fraction: number, message?: string) => void;
  /**
   * Where the attempt is, for the next one to go on from. Sent at once. Throws TypeError for more than 64 KiB of JSON,
   * or none.
   */
  readonly heartbeat: (details?: unknown) => void;
}

export interface RemoteHandler {
  payload: StandardSchemaV1<unknown, unknown>;
  output?: StandardSchemaV1<unknown, unknown> | undefined;
  handle: (job: Job<unknown>, context: RemoteContext) => unknown;
}

/** Why an attempt was stopped; becomes `signal.reason`. */
export class Stopped extends Error {
  override readonly name = 'AttemptStopped';

  readonly why: 'cancelled' | 'lease-lost' | 'timeout' | 'shutdown';

  constructor(why: Stopped['why'], message: string) {
    super(message);
    this.why = why;
  }
}

interface BeatAnswer {
  cancelRequested: boolean;
  /** What could not be kept of what the beat said; the lease is kept regardless. */
  dropped?: readonly { pointer: string; detail: string }[];
}

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];
/** The word itself, what is said instead of it, and what is said instead of that. */
const WORDS_MAX = 3;
/** A lease for which no beat was heard within this time is offered again. */
const FIRST_BEAT_MS = 10_000;
/** Progress may be told a thousand times a second; what is told meanwhile goes along. */
const TELL_AFTER_MS = 1_000;
/** The work is done, and its last word must not wait long for what is only shown. */
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
  /** Aborted when the handler has ended: a beat that fails is not tried again. */
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
      const word = await this.#handle();
      this.#over.abort();
      clearTimeout(this.#soon);
      await this.#beating;
      if (word !== null) await this.#say(word);
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

  /** Between two beats, and what one may take: another replica may be quicker. */
  get #beatMs(): number {
    return Math.floor(this.#leaseMs / 3); // time limits are whole milliseconds
  }

  #trustUntil(atMs: number): void {
    clearTimeout(this.#lost);
    const expire = (): void =>
      this.#stop.abort(new Stopped('lease-lost', 'no heartbeat was heard for too long'));
    this.#lost = setTimeout(expire, atMs - performance.now());
  }

  #beatSoon(): void {
    this.#soon ??= setTimeout(() => {
      this.#soon = undefined;
      this.#beat();
    }, TELL_AFTER_MS);
  }

  #beat(): void {
    if (this.#over.signal.aborted) return; // what is unsent goes before the last word
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
    // The answer may have taken a while: the lease is ours for its length from when we asked, and no longer.
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
      onError(new Error(`what a heartbeat said was dropped: ${pointer}: ${detail}`));
    if (answer.cancelRequested) this.#stop.abort(new Stopped('cancelled', 'the run was cancelled'));
    await this.#sendLines(signal);
  }

  async #sendLines(signal: AbortSignal): Promise<void> {
    const path = `leases/${this.#parts.lease.token}/logs`;
    await this.#lines.send((body) => this.#parts.call({ path, body, signal }));
  }

  /** The word that ends the lease; null when it is not ours any more. */
  async #handle(): Promise<LeaseWord | null> {
    const { signal } = this.#stop;
    const stopped = new Promise<never>((_resolve, reject) => {
      if (signal.aborted) reject(signal.reason as Error); // a Stopped; only ours are given
      signal.addEventListener('abort', () => reject(signal.reason as Error));
    });
    stopped.catch(() => undefined); // it may come when no caller waits any more
    try {
      return await this.#call(stopped);
    } catch (error) {
      if (error instanceof Stopped && error.why === 'lease-lost') return null;
      if (error instanceof Stopped && error.why === 'shutdown') return { verb: 'release', body: {} };
      return wordOfThrown(error, new Date());
    }
  }

  /** What does not fit will not fit next time either, and what is done need not be done again. */
  async #call(stopped: Promise<never>): Promise<LeaseWord> {
    const { lease, handler } = this.#parts;
    const { jobType: job, payload } = lease.run;
    const checked = await handler.payload['~standard'].validate(payload);
    if (checked.issues !== undefined)
      return misfit('InvalidPayload', new InvalidPayloadError(job, '/payload', checked.issues).message);
    const work = Promise.resolve(handler.handle({ payload: checked.value }, this.#context()));
    const returned: unknown = await Promise.race([work, stopped]);
    if (returned instanceof Snooze) return wordOfReturned(returned, new Date());
    const output = await handler.output?.['~standard'].validate(returned ?? null);
    if (output?.issues === undefined)
      return wordOfReturned(output === undefined ? returned : output.value, new Date());
    const issues = output.issues.map((issue) => `${pathOf(issue) || '/'}: ${issue.message}`).join('; ');
    return misfit('InvalidOutput', `the output does not fit job ${job}: ${issues}`);
  }

  async #say(word: LeaseWord): Promise<void> {
    const { onError } = this.#parts;
    const isAllSent = Object.keys(this.#said).length === 0;
    if (!isAllSent) await this.#sendBeat(Math.min(LAST_BEAT_MS, this.#beatMs)).catch(onError);
    const signal = AbortSignal.timeout(this.#leaseMs);
    await this.#sendLines(signal).catch(onError);
    // A refused output becomes a failure, and a refused failure one that says so: an end without a word would only be
    // mistaken for a worker that went silent, and the run done again.
    let next: LeaseWord | null = word;
    for (let tries = 0; next !== null && tries < WORDS_MAX; tries += 1)
      next = await this.#sayOnce(next, signal);
  }

  /** Resolves with what to say instead, when this was refused. */
  async #sayOnce(word: LeaseWord, signal: AbortSignal): Promise<LeaseWord | null> {
    const { lease, call, onError } = this.#parts;
    const path = `leases/${lease.token}:${word.verb}`;
    const request = { path, body: word.body, signal, limitMs: this.#beatMs };
    try {
      await insist(() => call(request), { signal, onError });
      return null;
    } catch (error) {
      const instead = error instanceof CallFailed ? wordInstead(word, error) : null;
      if (instead === null) throw error;
      onError(error as Error);
      return instead;
    }
  }

  #context(): RemoteContext {
    const { lease, tenant } = this.#parts;
    const { id, attempt, dueAt, details } = lease.run;
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
          this.#beat(); // also when what is said with it is refused
        }
      },
    };
  }
}
