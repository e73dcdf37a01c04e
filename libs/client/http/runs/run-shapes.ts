// The shapes of runs in answers of the API.
import type { EnqueueableJob } from '#client/jobs/enqueue-options.js';
import type { StandardSchemaV1 } from '#client/jobs/standard-schema.js';

/** Those that the API shows and takes. */
export const RUN_STATES = [
  'scheduled',
  'queued',
  'running',
  'retrying',
  'succeeded',
  'failed',
  'cancelled',
  'expired',
  'dead-lettered',
] as const;

/** What of a job `enqueue` needs: its name, the schema of its payload, and the type of its output. */
export interface ClientJob<Input, Output = unknown> extends EnqueueableJob<Input> {
  readonly output?: StandardSchemaV1<unknown, Output>;
}

/** Only the compiler knows it. */
declare const outputOf: unique symbol;

/** The id of a run, which is a text. In TypeScript it remembers the output of its job, for `result`. */
export type RunId<Output = unknown> = string & { readonly [outputOf]?: Output };

export interface EnqueuedRun<Output = unknown> {
  readonly id: RunId<Output>;
  /** False if a run held its unique key, or waited under its debounce key: `id` is that of this run. */
  readonly created: boolean;
}

/** One of many runs that was not created, while others were. */
export interface RefusedRun {
  readonly id: null;
  readonly created: false;
  /** `pointer` is its place in the call: `/runs/17/payload/to`. */
  readonly error: { readonly code: string; readonly detail: string; readonly pointer: string };
}

/** A run, as the API shows it. `Output` is that of its job's schema, as far as JSON has it. */
export interface ClientRun<Output = unknown> {
  readonly id: string;
  readonly jobType: string;
  readonly state: (typeof RUN_STATES)[number];
  /** What the handler returned; null if it returned nothing, or the run has not succeeded. */
  readonly output: Output | null;
  /** Why the run has ended without success; null otherwise. */
  readonly error: { readonly name: string; readonly message: string } | null;
  readonly attempt: number;
  /** An instant; null until the run has ended. */
  readonly finishedAt: string | null;
  /** The other fields that the API describes. */
  readonly [field: string]: unknown;
}
