// A job is a plain value: a name, the schema of its payload, and its defaults. Producers import it to enqueue,
// workers import it to handle; both get the types.
import { checkJobOptions } from '#client/options/job-options-check.js';
import type { LockWish } from '#client/options/lock-wishes.js';
import type { EnqueueableJob, OverlapOptions, RunOptions } from './enqueue-options.js';
import type { JobSchedule, PreviousFire } from './job-schedules.js';
import type { StandardSchemaV1 } from './standard-schema.js';

export interface RetryOptions {
  /** How many attempts a run has in all. 1 means no retry. */
  maxAttempts?: number;
  backoff?: 'exponential' | 'linear' | 'fixed';
  /** The first delay, before `jitter` is subtracted. */
  minSeconds?: number;
  /** The longest delay. */
  maxSeconds?: number;
  /**
   * 0 to 1: a random part of each delay, up to this, is subtracted: 0.2 turns 10 s into 8 to 10 s. The first delay is
   * included.
   */
  jitter?: number;
}

/** `Input` is the accepted payload; the schema turns it into the handler's `Payload`. */
export interface JobOptions<Payload, Input = unknown, Output = unknown> {
  /**
   * 1 to 100 lower-case letters, digits, dots, dashes or underscores, with a letter or digit at both ends:
   * `invoice.send`.
   */
  name: string;
  /** Any Standard Schema. A payload that does not fit is not retried. */
  payload: StandardSchemaV1<Input, Payload>;
  /** Any Standard Schema. An output that does not fit fails the run for good, since its work is done. */
  output?: StandardSchemaV1<unknown, Output>;
  timeoutSeconds?: number;
  /** An attempt that calls neither `heartbeat` nor `progress` for so long is stopped and has failed. */
  heartbeatSeconds?: number;
  retry?: RetryOptions;
  /**
   * The tenant's locks that each attempt holds, from before it starts until it ends; a run that can't have all of them
   * waits. At most 20.
   */
  locks?: readonly (string | LockWish)[];
  /**
   * What is said of its runs that name a `concurrencyKey` and say neither `overlap` nor `order` themselves. `order`
   * excludes `overlap`.
   */
  keyDefaults?: { overlap?: OverlapOptions; order?: 'any' | 'strict' };
  /** When it runs by itself. A worker, or a replica that runs the handler, registers them when it starts. */
  schedules?: readonly JobSchedule<NoInfer<Input>>[];
}

export interface JobDefinition<Payload, Input = unknown, Output = unknown> extends JobOptions<
  Payload,
  Input,
  Output
> {
  readonly kind: 'job-definition';
}

/**
 * Defines a job. Throws a TypeError that names the option, the expected and the received value when no replica could
 * use it.
 */
export function defineJob<Payload, Input, Output = unknown>(
  options: JobOptions<Payload, Input, Output>,
): JobDefinition<Payload, Input, Output> {
  checkJobOptions(options);
  return { ...options, kind: 'job-definition' };
}

/** One run, as its handler sees it. */
export interface Job<Payload> {
  readonly payload: Payload;
}

export type JobOf<Definition> = Definition extends JobDefinition<infer Payload> ? Job<Payload> : never;

export interface JobContext {
  /** The tenant's name, as `enqueue` and the API expect it. */
  readonly tenant: string;
  readonly runId: string;
  /** Counted from 1; lost attempts count too. */
  readonly attempt: number;
  /** The due time of the schedule; null when the run came from the API. */
  readonly dueAt: Date | null;
  /** The same for every attempt of the run: pass it to each service whose effect must not happen twice. */
  readonly idempotencyKey: string;
  /**
   * Aborted when the attempt must stop; `reason` is an Error whose `why` is `timeout`, `heartbeat-missed`, `deadline`,
   * `cancelled`, `replaced` (by a later run of its schedule), `shutdown`, `replica-fenced` (this replica was declared
   * dead) or `replica-unsure` (it can't tell whether it was). A handler that goes on regardless is given up after a
   * grace time.
   */
  readonly signal: AbortSignal;
  /**
   * The details of an earlier attempt's last `heartbeat`, so that this one can continue from there; null if there are
   * none.
   */
  readonly lastDetails: unknown;
  /** The token of each lock that the attempt holds, by the lock's name: for `check_lock`, or for who compares tokens. */
  readonly locks: Readonly<Record<string, number>>;
  /** Lines of the run's own log: GET /runs/{id}/logs. */
  readonly log: JobLog;
  /**
   * Reports how far the attempt is, 0 to 1; shown with the run, at most once a second. A number outside is moved to
   * the nearer end. Counts as a heartbeat.
   */
  readonly progress: (fraction: number, message?: string) => void;
  /**
   * Reports that the attempt is alive. The details reach the next attempt as `lastDetails`, even if this replica
   * crashes a second later. Throws TypeError for details that are not JSON, or more than 64 KiB of it.
   */
  readonly heartbeat: (details?: unknown) => void;
  /**
   * Creates an independent run of the same tenant; resolves with its id. A repeated attempt creates it again: give it
   * a unique key made from `runId` if there must be one. Throws InvalidPayloadError.
   */
  readonly enqueue: <Input>(
    definition: EnqueueableJob<Input>,
    payload: Input,
    options?: RunOptions,
  ) => Promise<string>;
  /**
   * Looks up which due time of the schedule ran before this one's, and how many since then did not; null when the run
   * came from the API.
   */
  readonly previousFire: () => Promise<PreviousFire | null>;
  /**
   * Completes the run in one transaction with the handler's own writes: either both are committed or neither is.
   * `work` gets a transaction in the database that holds the runs, and its result is the run's output. Rejects with
   * ClaimLost when another replica has the run by now, with `signal.reason` when the attempt was stopped, and with
   * errors of `work` or the database. Then nothing was written, unless the connection broke during the commit. A
   * refusal of the database that may pass (a lock, a full disk, no primary) and is not of `work` comes as a snooze:
   * let it through, and the attempt is repeated without counting. The server ends a statement in it, or a pause
   * between two, after 10 seconds. In a thread it rejects with FatalError, since a transaction can't leave its
   * connection's thread.
   */
  readonly completeInTx: <Output>(work: (trx: HandlerTransaction) => Promise<Output>) => Promise<Output>;
}

/** `log.info('sent')`, `log.info({ to }, 'sent')`. Never throws and never waits; text beyond the bounds is cut. */
export interface LogWrite {
  (message: string): void;
  (fields: object, message?: string): void;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
/** At most 8 KiB a line, and 1,000 lines or 1 MiB a run. */
export type JobLog = Readonly<Record<LogLevel, LogWrite>>;

// Kysely's transaction, whose tables are the user's to describe: `async (trx: Transaction<MyTables>) => …`. An
// application that pulls runs has no Kysely, and its compiler shall not miss it: the type is `any` there.
/** @ts-ignore Kysely is not a dependency. */
export type HandlerTransaction = import('kysely').Transaction<any>; // oxlint-disable-line typescript/no-explicit-any

export type JobHandlerFunction<Payload> = (job: Job<Payload>, context: JobContext) => unknown;
