// The options of a run, besides its payload. They are the same for every way to create a run.

import type { StandardSchemaV1 } from './standard-schema.js';

/** The parts of a job that a run of it needs; every definition of defineJob has them. */
export interface EnqueueableJob<Input> {
  readonly name: string;
  /** `Input` is the accepted payload; the handler gets the output of the schema. */
  readonly payload: StandardSchemaV1<Input, unknown>;
}

export interface UniqueOptions {
  /** At most one run of the tenant holds a key; 1 to 200 characters. */
  key: string;
  /** How long the run holds the key. Default: until the run has ended. */
  windowSeconds?: number;
  /** When a run holds the key: its id is returned (default), or the call is refused. */
  onConflict?: 'return' | 'reject';
}

export interface OverlapOptions {
  /**
   * While another run of the `concurrencyKey` is running: follow the job type's maxConcurrentPerKey alone (`allow`), do
   * not run (`skip`), wait for it (`queue`), cancel it and run (`replace`), or wait for it and end those that waited
   * before (`latest`). With all but `allow`, runs of the key run one at a time.
   */
  mode: 'allow' | 'skip' | 'queue' | 'replace' | 'latest';
  /** With `queue`: at most so many wait, and more do not run; 1 to 1,000. Default: no bound. */
  max?: number;
}

export interface DebounceOptions {
  /** One run of the job type waits under a key; 1 to 200 characters. */
  key: string;
  /** The run starts so long after the last call; 1 to 86,400. */
  delaySeconds: number;
  /** No later than so long after the first call; `delaySeconds` to 604,800. */
  maxDelaySeconds: number;
}

export interface RunOptions {
  /** The run starts no sooner. Default: now. */
  runAt?: Date;
  /** The run's queue. Default: `default`. */
  queue?: string;
  /** -100 to 100; higher goes first among the runs of the tenant. */
  priority?: number;
  tags?: readonly string[];
  /** Runs of the job type with the same key share its maxConcurrentPerKey. */
  concurrencyKey?: string;
  /** Needs a `concurrencyKey` of at most 180 characters. */
  overlap?: OverlapOptions;
  /**
   * `strict`: runs of the `concurrencyKey` run one at a time, in their order. None starts while an earlier one is to be
   * tried again, or has failed for good, until that is retried with success or unblocked. Default: `any`.
   */
  order?: 'any' | 'strict';
  /** When the run expires, even if it is running. It must be later than now and than `runAt`. */
  deadline?: Date;
  unique?: UniqueOptions;
  /**
   * While a run of the key waits, the call gives that run its values, moves its start and returns its id. Excludes
   * `runAt` and `unique`.
   */
  debounce?: DebounceOptions;
}
