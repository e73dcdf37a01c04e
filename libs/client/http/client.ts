// A client of the REST API, for applications that don't share a database with Carillon. It needs Node's own fetch and
// nothing else, and keeps to the replica that serves its tenant.
import type { CallOptions } from './call-options.js';
import { ClientCalls } from './client-calls.js';
import { checkedOptions, type ClientOptions } from './client-options.js';
import { locksOf, type ClientLocks } from './lock-calls.js';
import { operationsOf, type ClientOperations } from './operations.js';
import type { ClientBulkRun, ClientEnqueueOptions, EnqueueAllOptions } from './runs/run-body.js';
import { act, enqueue, enqueueAll } from './runs/run-calls.js';
import { logs, type ClientLogLine, type LogOptions } from './runs/run-logs.js';
import { result, type ResultOptions } from './runs/run-results.js';
import { SchedulesOverRest } from './schedules/schedules-over-rest.js';
import type { ClientSchedules } from './schedules/schedules.js';
import type { ClientJob, ClientRun, EnqueuedRun, RefusedRun, RunId } from './runs/run-shapes.js';

/**
 * All calls reject with ApiProblem for a refusal, with NoAnswer when no replica answers, with the signal's reason, and
 * with TypeError for arguments that can't be right.
 */
export interface Client {
  /**
   * Creates a run; resolves with its id, or with that of the run that holds its unique key or waits under its debounce
   * key, which was not `created` then. Rejects with InvalidPayloadError for a payload that does not fit the job's schema.
   */
  enqueue<Input, Output>(
    job: ClientJob<Input, Output>,
    payload: NoInfer<Input>,
    options?: ClientEnqueueOptions,
  ): Promise<EnqueuedRun<Output>>;
  /**
   * Creates up to 10,000 runs of a job, all or none; resolves with the same for each, in their order. What is refused is
   * named by its place: `/runs/17/payload/to`. With `mode: 'per-item'` it resolves with that for each run that is
   * refused, and creates the others.
   */
  enqueueAll<Input, Output>(
    job: ClientJob<Input, Output>,
    runs: readonly ClientBulkRun<NoInfer<Input>>[],
    options?: EnqueueAllOptions & { mode?: 'all-or-nothing' },
  ): Promise<EnqueuedRun<Output>[]>;
  enqueueAll<Input, Output>(
    job: ClientJob<Input, Output>,
    runs: readonly ClientBulkRun<NoInfer<Input>>[],
    options: EnqueueAllOptions,
  ): Promise<(EnqueuedRun<Output> | RefusedRun)[]>;
  /** Resolves with the run once it has ended, or as it is when the wait is over. */
  result<Output = unknown>(id: RunId<Output>, options?: ResultOptions): Promise<ClientRun<Output>>;
  /** Ends a run that waits, asks one that is running to stop, and resolves with it as it is then. */
  cancel<Output = unknown>(id: RunId<Output>, options?: CallOptions): Promise<ClientRun<Output>>;
  /** Runs an ended run again, with all its attempts. The call is not repeated: that could run it twice more. */
  retry<Output = unknown>(id: RunId<Output>, options?: CallOptions): Promise<ClientRun<Output>>;
  /**
   * The lines of a run's log, those that are there and those to come, until the run has ended. It goes on elsewhere where
   * a replica is lost, and gives no line twice. Leaving the loop hangs up.
   */
  logs(id: RunId, options?: LogOptions): AsyncIterableIterator<ClientLogLine>;
  readonly schedules: ClientSchedules;
  readonly operations: ClientOperations;
  /** Holding locks is what `lockClient` does, with its errors; the other calls reject as those of this client. */
  readonly locks: ClientLocks;
}

/** Throws a TypeError for options that can't be right. It connects when it is first used, and need not be closed. */
export function createClient(options: ClientOptions): Client {
  const checked = checkedOptions(options);
  const calls = new ClientCalls(checked);
  return {
    enqueue: (job, payload, given = {}) => enqueue(calls, job, payload, given),
    enqueueAll: <Input, Output>(
      job: ClientJob<Input, Output>,
      runs: readonly ClientBulkRun<Input>[],
      given: EnqueueAllOptions = {},
    ) => enqueueAll(calls, job, runs, given) as Promise<EnqueuedRun<Output>[]>, // as its mode says
    result: (id, given = {}) => result(calls, id, given),
    cancel: (id, given) => act(calls, id, { verb: 'cancel', isRepeatable: true, options: given }),
    logs: (id, given = {}) => logs(calls, id, given),
    schedules: new SchedulesOverRest(calls),
    operations: operationsOf(calls),
    locks: locksOf(calls, checked),
    retry: (id, given) => act(calls, id, { verb: 'retry', isRepeatable: false, options: given }),
  };
}
