// What is a job, before any replica runs it? A plain value: a name, the shape of its payload, and its
// defaults. Producers import it to enqueue, workers import it to handle; both get the types.
import { checkJobOptions } from '#client/options/job-options-check.js';
import type { EnqueueableJob, RunOptions } from './enqueue-options.js';
import type { Transaction } from 'kysely';
import type { StandardSchemaV1 } from './standard-schema.js';

export interface RetryOptions {
  /** How often the run is tried in all. 1 means never again. */
  maxAttempts?: number;
  backoff?: 'exponential' | 'linear' | 'fixed';
  /** The first delay, before `jitter` is taken off. */
  minSeconds?: number;
  /** No delay is longer. */
  maxSeconds?: number;
  /** 0 to 1: up to this part of each delay is taken off by chance, of the first one too: 0.2 makes 10 s to 8 to 10 s. */
  jitter?: number;
}

/** `Input` is what may be asked for, `Payload` what the handler gets of it. */
export interface JobOptions<Payload, Input = unknown, Output = unknown> {
  /**
   * 1 to 100 lower-case letters, digits, dots, dashes or underscores, with a letter or digit at both ends:
   * `invoice.send`.
   */
  name: string;
  /** Any Standard Schema. A payload that does not fit is not retried. */
  payload: StandardSchemaV1<Input, Payload>;
  /** Any Standard Schema. An output that does not fit fails the run for good: the work is done. */
  output?: StandardSchemaV1<unknown, Output>;
  timeoutSeconds?: number;
  /** An attempt that calls neither `heartbeat` nor `progress` for so long is stopped, and has failed. */
  heartbeatSeconds?: number;
  retry?: RetryOptions;
}

export interface JobDefinition<Payload, Input = unknown, Output = unknown> extends JobOptions<
  Payload,
  Input,
  Output
> {
  readonly kind: 'job-definition';
}

/** Throws TypeError that names the option, what was expected and what was got, for what no replica could work with. */
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
  /** Its name, as `enqueue` and the API want it. */
  readonly tenant: string;
  readonly runId: string;
  /** Counted from 1; lost attempts count too. */
  readonly attempt: number;
  /** The instant that the schedule asked for; null when the run came from the API. */
  readonly dueAt: Date | null;
  /** The same for every attempt of the run: hand it to each service whose work must not happen twice. */
  readonly idempotencyKey: string;
  /**
   * Aborted when the attempt must stop; `reason` is an Error whose `why` is `timeout`, `deadline`, `cancelled`,
   * `shutdown` or `replica-fenced`. A handler that goes on regardless is given up after a grace time.
   */
  readonly signal: AbortSignal;
  /** What an earlier attempt last gave to `heartbeat`, so that this one can go on from there; null if nothing. */
  readonly lastDetails: unknown;
  /** Lines of the run's own log: GET /runs/{id}/logs. */
  readonly log: JobLog;
  /**
   * Says how far the attempt is, 0 to 1; shown with the run, at most once a second. Numbers outside are moved to
   * the nearer end. Counts as a heartbeat.
   */
  readonly progress: (fraction: number, message?: string) => void;
  /**
   * Says that the attempt is alive. The details reach the next attempt as `lastDetails` even if this replica
   * crashes a second later. Throws TypeError when they are more than 64 KiB of JSON, or none.
   */
  readonly heartbeat: (details?: unknown) => void;
  /**
   * Creates a run of the same tenant, which goes on by itself; resolves with its id. An attempt that is repeated
   * does it again: give it a unique key, made from `runId`, if it must be one. Throws InvalidPayloadError.
   */
  readonly enqueue: <Input>(
    definition: EnqueueableJob<Input>,
    payload: Input,
    options?: RunOptions,
  ) => Promise<string>;
  /**
   * Completes the run in one transaction with the handler's own writes: both are there afterwards, or neither is.
   * `work` gets a transaction in the database that holds the runs, and what it resolves with is the run's output.
   * Rejects with ClaimLost when another replica has the run by now, with `signal.reason` when the attempt was stopped,
   * and with what `work` or the database threw; nothing was written then, unless the connection broke during the
   * commit. What the database refuses for now besides `work` (a lock, a full disk, no primary) comes as a snooze: let
   * it through, and the attempt is made again without counting. The server lets no statement in it take longer than 10
   * seconds, nor a pause between two. In a thread it rejects with FatalError, since a transaction can't leave its
   * connection's thread.
   */
  readonly completeInTx: <Output>(work: (trx: HandlerTransaction) => Promise<Output>) => Promise<Output>;
}

/** `log.info('sent')`, `log.info({ to }, 'sent')`. Never throws and never waits; what is too much is cut. */
export interface LogWrite {
  (message: string): void;
  (fields: object, message?: string): void;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
/** At most 8 KiB a line, and 1,000 lines or 1 MiB a run. */
export type JobLog = Readonly<Record<LogLevel, LogWrite>>;

// The tables are the user's to describe: `async (trx: Transaction<MyTables>) => …`.
// oxlint-disable-next-line typescript/no-explicit-any
export type HandlerTransaction = Transaction<any>;

export type JobHandlerFunction<Payload> = (job: Job<Payload>, context: JobContext) => unknown;
