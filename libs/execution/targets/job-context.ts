// The context of a handler: what it knows about its attempt, and what it can call. The first part is plain values. The
// services are made together when the handler first asks for one: to make them for each run, and to collect them again,
// costs a no-op 4 us of its processor time, a seventh of the drain's. A class only to hide two things from handlers:
// whether the run is completed, and the clock of the attempt.
import type { JobContext } from '#client/jobs/job-definition.js';
import type { TenantName } from '#kernel/ids.js';
import type { ClaimedRun } from '#execution/runs/claimed-run.js';

const NO_LOCKS: JobContext['locks'] = Object.freeze({});

export type CompleteInTx = JobContext['completeInTx'];

/** What an attempt can call: log, progress, enqueue, complete. */
export interface AttemptServices extends Pick<
  JobContext,
  'log' | 'progress' | 'heartbeat' | 'enqueue' | 'previousFire' | 'completeInTx'
> {
  clock?: AttemptClock;
}

/** The parts of a context that are made when a handler asks for them. */
export interface GivenToContext {
  readonly signal: AbortSignal;
  /** Makes the services of the attempt. Called once, when its handler first asks for one of them. */
  services(): AttemptServices;
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
  readonly locks: JobContext['locks'];
  readonly #given: GivenToContext;
  #made: AttemptServices | null = null;
  #isCompleted = false;

  /** The run itself has only the tenant's id, which handlers must not see. */
  constructor(run: ClaimedRun, tenant: TenantName, given: GivenToContext) {
    this.tenant = tenant;
    this.runId = run.id;
    this.attempt = run.attempt;
    this.dueAt = run.dueAt;
    this.idempotencyKey = run.id;
    this.lastDetails = run.details;
    this.locks = run.locks ?? NO_LOCKS;
    this.#given = given;
  }

  get signal(): AbortSignal {
    return this.#given.signal;
  }

  get log(): JobContext['log'] {
    return this.#services.log;
  }

  get progress(): JobContext['progress'] {
    return this.#services.progress;
  }

  get heartbeat(): JobContext['heartbeat'] {
    return this.#services.heartbeat;
  }

  get enqueue(): JobContext['enqueue'] {
    return this.#services.enqueue;
  }

  get previousFire(): JobContext['previousFire'] {
    return this.#services.previousFire;
  }

  get completeInTx(): CompleteInTx {
    return async (work) => {
      if (this.#isCompleted)
        throw new Error('expected the run to be completed once, got another completeInTx');
      const output = await this.#services.completeInTx(work);
      this.#isCompleted = true;
      return output;
    };
  }

  get #services(): AttemptServices {
    return (this.#made ??= this.#given.services());
  }

  // Static, because handlers must not see them.

  static isCompleted(context: AttemptContext): boolean {
    return context.#isCompleted;
  }

  static clockOf(context: JobContext): AttemptClock | undefined {
    return #services in context ? context.#services.clock : undefined;
  }
}
