// How is a run handed to a pg-boss queue of the user's? In the transaction that completes it: afterwards either the job
// is in the queue and the run has succeeded, or neither. The job has the run's id and payload, so a worker of the queue
// needs to know nothing of us. The job's further life belongs to pg-boss and the user.
import { fromKysely, PgBoss } from 'pg-boss';
import type { HandlerTransaction, JobContext } from '#client/jobs/job-definition.js';
import { FatalError } from '#client/jobs/outcomes.js';
import type { Membership } from '#cluster/membership/membership.js';
import type { ClaimedRun } from '#execution/runs/claimed-run.js';
import type { AttemptResult } from '#execution/runs/decisions/run-transition.js';
import type { Target } from '#execution/job-types/job-type.js';

export interface QueueCall {
  target: Target & { kind: 'queue' };
  run: ClaimedRun;
  context: JobContext;
  queues: UserQueues;
}

/** Throws FatalError when there is no such queue: a user must make it before the run can be retried. */
export async function callQueue({ target, run, context, queues }: QueueCall): Promise<AttemptResult> {
  await context.completeInTx(async (trx) => {
    const jobId = await queues.send(trx, { queue: target.queue, run });
    return { queue: target.queue, jobId };
  });
  return { kind: 'completed' };
}

export class UserQueues {
  #boss: Promise<PgBoss> | null = null;

  /** `schema`: where the users' workers keep pg-boss, in the database that holds the runs. */
  constructor(
    private readonly membership: Membership,
    private readonly options: { schema: string; onError: (error: Error) => void },
  ) {}

  /** Why the queue takes no jobs, in words; null when it does. */
  async whyNot(queue: string): Promise<string | null> {
    const { schema } = this.options;
    const boss = await this.#started().catch((error: unknown) => {
      if (error instanceof Error && /not installed/.test(error.message)) return null;
      throw error;
    });
    if (boss === null)
      return `expected a queue of pg-boss, got ${queue}, but there is no pg-boss in the schema ${schema}`;
    if ((await boss.getQueue(queue)) !== null) return null;
    return `expected a queue of the pg-boss in the schema ${schema}, got ${queue}, which it does not have: create it first`;
  }

  /** Inserts the job within the transaction; resolves with its id. Throws when the queue refuses it. */
  async send(trx: HandlerTransaction, { queue, run }: { queue: string; run: ClaimedRun }): Promise<string> {
    const boss = await this.#started();
    const { id, priority } = run;
    const data = run.payload as object; // pg-boss takes any JSON, although its type says otherwise
    if ((await boss.getQueue(queue)) === null) {
      const { schema } = this.options;
      throw new FatalError(`expected a pg-boss queue ${queue} in the schema ${schema}, found none`);
    }
    const jobId = await boss.send(queue, data, { id, priority, db: fromKysely(trx) });
    if (jobId === null)
      throw new Error(`expected queue ${queue} to take job ${id}, but its policy refused it`);
    return jobId;
  }

  async stop(): Promise<void> {
    const boss = await this.#boss?.catch(() => null);
    await boss?.stop({ graceful: false, close: false });
  }

  /** Only to send: it makes no schema, watches nothing, and uses our own connections. */
  async #started(): Promise<PgBoss> {
    this.#boss ??= this.#start();
    // The user may install pg-boss later.
    this.#boss.catch(() => (this.#boss = null));
    return this.#boss;
  }

  async #start(): Promise<PgBoss> {
    const boss = new PgBoss({
      db: { executeSql: async (text, values) => fromKysely(this.#db()).executeSql(text, values) },
      schema: this.options.schema,
      migrate: false,
      supervise: false,
      schedule: false,
    });
    boss.on('error', this.options.onError);
    return boss.start();
  }

  #db() {
    const { incarnation } = this.membership;
    if (incarnation === null) throw new Error('expected to be a member of the cluster, got expelled');
    return incarnation.db;
  }
}
