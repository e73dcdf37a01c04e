// The context of an attempt that is only tried: it answers with what the test has given, and records what the handler
// says. Values are encoded and refused as a replica and a worker do, so that a test finds what they would refuse.
import { FatalError, InvalidPayloadError } from '#client/index.js';
import type { EnqueueableJob, RunOptions } from '#client/jobs/enqueue-options.js';
import type { HandlerTransaction, JobContext, JobLog, LogLevel } from '#client/jobs/job-definition.js';
import type { PreviousFire } from '#client/jobs/job-schedules.js';
import { checkKeyOptions } from '#client/options/key-options-check.js';
import { checkRunValues, expectRunOptions } from '#client/options/run-values.js';
import { encodeDetails, lineOf, progressOf } from '#client/worker/accepted-json.js';
import type { RemoteContext } from '#client/worker/remote-handler.js';

export interface WrittenLine {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields?: object;
}

export interface ProgressReport {
  readonly fraction: number;
  readonly message?: string;
}

export interface EnqueuedJob {
  readonly id: string;
  readonly job: string;
  readonly payload: unknown;
  readonly options: RunOptions;
}

/** What the attempt is told. All of it may be left out. */
export interface GivenContext {
  tenant?: string;
  runId?: string;
  /** Counted from 1. Default: 1. */
  attempt?: number;
  /** Default: null, as of a run that no schedule made. */
  dueAt?: Date | null;
  lastDetails?: unknown;
  locks?: Readonly<Record<string, number>>;
  fencingToken?: number;
  previousFire?: PreviousFire | null;
  /** Aborted to cancel the run while it runs. */
  signal?: AbortSignal;
  /** What the work of `completeInTx` gets: a transaction of the test's. */
  transaction?: HandlerTransaction;
}

/** That of a replica, or of a worker. */
export type RecordedContext = JobContext | RemoteContext;

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

export class Recorder {
  readonly logs: WrittenLine[] = [];
  readonly progress: ProgressReport[] = [];
  readonly enqueued: EnqueuedJob[] = [];
  /** Of the last heartbeat that had any. */
  details: unknown;
  completed: { output: unknown } | null = null;

  contextOf(
    given: GivenContext,
    { signal, where }: { signal: AbortSignal; where: 'replica' | 'thread' | 'worker' },
  ): RecordedContext {
    const { runId = crypto.randomUUID() } = given;
    this.details = given.lastDetails ?? null;
    const told: Omit<JobContext, 'enqueue' | 'completeInTx'> = {
      tenant: given.tenant ?? 'test',
      runId,
      idempotencyKey: runId,
      attempt: given.attempt ?? 1,
      dueAt: given.dueAt ?? null,
      lastDetails: given.lastDetails ?? null,
      locks: given.locks ?? {},
      signal,
      log: this.#log(),
      progress: (fraction, message) => void this.progress.push(progressOf(fraction, message)),
      heartbeat: (details) => {
        if (details !== undefined) this.details = encodeDetails(details);
      },
      previousFire: async () => given.previousFire ?? null,
    };
    // What a worker's context has not is not there, so that a call of it fails as it would.
    if (where === 'worker') return { ...told, fencingToken: given.fencingToken ?? 1 };
    const own: Pick<JobContext, 'enqueue' | 'completeInTx'> = {
      enqueue: (job, payload, options) => this.#enqueue(job, payload, options),
      completeInTx: async (work) => {
        if (where === 'thread')
          throw new FatalError('a transaction can not leave the thread of its connection');
        const { transaction } = given;
        if (transaction === undefined)
          throw new FatalError('expected the test to give a `transaction` for completeInTx, got none');
        const output = await work(transaction);
        this.completed = { output };
        return output;
      },
    };
    return { ...told, ...own };
  }

  #log(): JobLog {
    const write = (level: LogLevel) => (first: string | object, message?: string) =>
      void this.logs.push({ level, ...lineOf(first, message) });
    // Each level is there, since the list of levels has them all.
    return Object.fromEntries(LEVELS.map((level) => [level, write(level)])) as JobLog;
  }

  async #enqueue<Input>(
    job: EnqueueableJob<Input>,
    payload: Input,
    options: RunOptions = {},
  ): Promise<string> {
    await requirePayload(job, payload);
    expectRunOptions(options);
    checkRunValues(options);
    checkKeyOptions(options);
    const id = crypto.randomUUID();
    this.enqueued.push({ id, job: job.name, payload: asJson(payload), options });
    return id;
  }
}

/** Throws the InvalidPayloadError that the application imports, since this entry shares the classes of the main one. */
export async function requirePayload(
  { name, payload: schema }: EnqueueableJob<unknown>,
  payload: unknown,
): Promise<void> {
  const { issues } = await schema['~standard'].validate(payload);
  if (issues !== undefined) throw new InvalidPayloadError(name, '/payload', issues);
}

/** As it arrives on the other side. */
export function asJson(value: unknown): unknown {
  const text: string | undefined = JSON.stringify(value); // undefined for a function, although its type omits that
  return JSON.parse(text ?? 'null');
}
