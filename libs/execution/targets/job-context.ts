// What is a handler told about its attempt, and what can it do besides returning? What costs something to make is
// made when the handler first asks for it: most ask for nothing, and the closures for all of it cost 0.1 µs a run.
import type { JobContext } from '#client/jobs/job-definition.js';
import type { TenantName } from '#kernel/ids.js';
import type { ClaimedRun } from '#execution/runs/claimed-run.js';

export type CompleteInTx = JobContext['completeInTx'];

/** What an attempt is given besides its run. */
export interface AttemptMeans extends Pick<
  JobContext,
  'log' | 'progress' | 'heartbeat' | 'enqueue' | 'completeInTx'
> {
  /** Whose the run is. The run itself knows only its id, which is no business of handlers. */
  tenant: TenantName;
  clock?: AttemptClock;
}

/** The attempt's timeout, for a target that has to wait before it can begin. */
export interface AttemptClock {
  stop(): void;
  restart(): void;
}

export class AttemptContext implements JobContext {
  readonly tenant: TenantName;
  readonly runId: string;
  readonly attempt: number;
  readonly dueAt: Date | null;
  readonly idempotencyKey: string;
  readonly lastDetails: unknown;
  readonly #stop: { readonly signal: AbortSignal };
  readonly #means: AttemptMeans;
  #isCompleted = false;

  constructor(run: ClaimedRun, stop: { readonly signal: AbortSignal }, means: AttemptMeans) {
    this.tenant = means.tenant;
    this.runId = run.id;
    this.attempt = run.attempt;
    this.dueAt = run.dueAt;
    this.idempotencyKey = run.id;
    this.lastDetails = run.details;
    this.#stop = stop;
    this.#means = means;
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  get log(): JobContext['log'] {
    return this.#means.log;
  }

  get progress(): JobContext['progress'] {
    return this.#means.progress;
  }

  get heartbeat(): JobContext['heartbeat'] {
    return this.#means.heartbeat;
  }

  get enqueue(): JobContext['enqueue'] {
    return this.#means.enqueue;
  }

  get completeInTx(): CompleteInTx {
    return async (work) => {
      if (this.#isCompleted)
        throw new Error('expected the run to be completed once, got another completeInTx');
      const output = await this.#means.completeInTx(work);
      this.#isCompleted = true;
      return output;
    };
  }

  // Static, because they are no business of handlers.

  static isCompleted(context: AttemptContext): boolean {
    return context.#isCompleted;
  }

  static clockOf(context: JobContext): AttemptClock | undefined {
    return #means in context ? context.#means.clock : undefined;
  }
}
