// The options of a run, besides its payload. They are the same for every way in which a run comes in.

import type { StandardSchemaV1 } from './standard-schema.js';

/** What must be known of a job to ask for it; every definition of defineJob is one. */
export interface EnqueueableJob<Input> {
  readonly name: string;
  /** `Input` is what may be asked for; the handler gets what the schema makes of it. */
  readonly payload: StandardSchemaV1<Input, unknown>;
}

export interface UniqueOptions {
  /** At most one run of the tenant holds it; 1 to 200 characters. */
  key: string;
  /** How long it is held. Default: until the run has ended. */
  windowSeconds?: number;
  /** What happens when a run holds it: that run's id is returned (default), or the call is refused. */
  onConflict?: 'return' | 'reject';
}

export interface RunOptions {
  /** Not before this. Default: now. */
  runAt?: Date;
  /** Default: `default`. */
  queue?: string;
  /** -100 to 100; higher goes first among the runs of the tenant. */
  priority?: number;
  tags?: readonly string[];
  /** Runs of the job type with the same one share its maxConcurrentPerKey. */
  concurrencyKey?: string;
  /** When the run expires, even if it is running. It must be later than now and than `runAt`. */
  deadline?: Date;
  unique?: UniqueOptions;
}
