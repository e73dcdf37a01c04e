// Operations: long work that a call has started, and that the replicas go on with.
import { expectFunction } from '#client/options/known-options.js';
import { rest } from '#client/worker/worker-calls.js';
import { expectCallOptions, traceHeaders, type CallOptions } from './call-options.js';
import type { ApiCall, ClientCalls } from './client-calls.js';
import { itemsOf } from './pages.js';
import { pathTo } from './paths.js';

export interface ClientOperation {
  readonly id: string;
  readonly kind:
    'backfill' | 'pause-schedules' | 'resume-schedules' | 'catch-up-schedules' | 'catch-up-tenant';
  /** The name of the schedule, of a backfill. */
  readonly target: string | null;
  readonly state: 'pending' | 'running' | 'succeeded' | 'failed' | 'cancelled';
  /** How many of its due times, or schedules, it has dealt with. */
  readonly progress: { readonly done: number; readonly total: number };
  /** What became of them, such as `runsMade`. */
  readonly counts: Readonly<Record<string, number>>;
  /** Why it failed. */
  readonly error: string | null;
  readonly createdAt: string;
  readonly updatedAt: string;
  /** Null until it has ended. */
  readonly endedAt: string | null;
}

export interface WaitOptions extends CallOptions {
  /** Is called with what is found first, and then whenever the progress or the state has changed. */
  onProgress?: (operation: ClientOperation) => void;
}

export interface ClientOperations {
  get(id: string, options?: CallOptions): Promise<ClientOperation>;
  /** The newest first; ended ones for 30 days. */
  list(options?: CallOptions): AsyncIterableIterator<ClientOperation>;
  /** What it has done so far stays. */
  cancel(id: string, options?: CallOptions): Promise<ClientOperation>;
  /** Resolves once it has ended, in whichever `state`: failed and cancelled ones, too. */
  wait(id: string, options?: WaitOptions): Promise<ClientOperation>;
}

const PAUSE_MS = { first: 100, last: 2_000 };

export function operationsOf(calls: ClientCalls): ClientOperations {
  const send = async (method: ApiCall['method'], path: string, options: CallOptions) => {
    const headers = traceHeaders(options);
    return calls.call<ClientOperation>({ method, path, headers, isRepeatable: true, signal: options.signal });
  };
  return {
    get: async (id, options = {}) => {
      expectCallOptions(options);
      return send('GET', pathOf(id), options);
    },
    list: (options = {}) => {
      expectCallOptions(options);
      return itemsOf(calls, { path: 'operations', headers: traceHeaders(options), signal: options.signal });
    },
    cancel: async (id, options = {}) => {
      expectCallOptions(options);
      return send('POST', `${pathOf(id)}:cancel`, options);
    },
    wait: async (id, options = {}) => {
      expectCallOptions(options, ['onProgress']);
      const { onProgress = () => undefined, signal } = options;
      expectFunction('onProgress', onProgress);
      let seen = '';
      for (let pauseMs = PAUSE_MS.first; ; pauseMs = Math.min(pauseMs * 2, PAUSE_MS.last)) {
        const operation = await send('GET', pathOf(id), options);
        const { state, progress, endedAt } = operation;
        const now = JSON.stringify([state, progress]);
        if (now !== seen) onProgress(operation);
        if (endedAt !== null) return operation;
        seen = now;
        await rest(pauseMs, signal);
      }
    },
  };
}

function pathOf(id: unknown): string {
  return pathTo('operations', id, 'the id of an operation');
}
