// A handler that runs in a worker outside of the replicas, and the context with which it is called. The context is that
// of a replica without the parts that need the database, and with the number by which other systems fence late workers
// off.
import type { Job, JobContext } from '#client/jobs/job-definition.js';
import type { StandardSchemaV1 } from '#client/jobs/standard-schema.js';

/** The part of a replica's context that needs no database. */
type Told = Pick<
  JobContext,
  'tenant' | 'runId' | 'attempt' | 'dueAt' | 'idempotencyKey' | 'signal' | 'locks'
>;

export interface RemoteContext extends Told {
  /** Grows with each lease: let the systems that you write to refuse a smaller one. */
  readonly fencingToken: number;
  /** The details of an earlier attempt's last `heartbeat`; null if there are none. */
  readonly lastDetails: unknown;
  readonly log: JobContext['log'];
  /** How far the attempt is, 0 to 1; shown with the run. */
  readonly progress: (fraction: number, message?: string) => void;
  /**
   * Keeps the lease, and passes the details to the next attempt. Sent at once. Throws TypeError for details that are
   * not JSON, or more than 64 KiB of it.
   */
  readonly heartbeat: (details?: unknown) => void;
  /**
   * Asks which due time of the schedule ran before this one's, and how many since then did not; null when the run came
   * from the API. Rejects when no replica answers.
   */
  readonly previousFire: JobContext['previousFire'];
}

/** What a replica and a worker have alike: a handler that asks for no more runs in both. */
export type SharedContext = Omit<RemoteContext, 'fencingToken' | 'log'> & Pick<JobContext, 'log'>;

export interface RemoteHandler {
  payload: StandardSchemaV1<unknown, unknown>;
  output?: StandardSchemaV1<unknown, unknown> | undefined;
  handle: (job: Job<unknown>, context: RemoteContext) => unknown;
}
