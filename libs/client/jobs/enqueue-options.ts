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
  /** When the run expires, even if it is running. It must be later than now and than `runAt`. */
  deadline?: Date;
  unique?: UniqueOptions;
}
