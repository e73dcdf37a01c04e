// The locks of the tenant: holding them is what `lockClient` does, and here it stands beside what shows and mends them.
import { lockClient, type LockClient } from '#client/locks/locks.js';
import {
  expectCallOptions,
  revisionHeader,
  traceHeaders,
  type CallOptions,
  type RevisionOptions,
} from './call-options.js';
import type { ApiCall, ClientCalls } from './client-calls.js';
import type { CheckedOptions } from './client-options.js';
import { itemsOf } from './pages.js';
import { pathTo } from './paths.js';

export interface ClientHold {
  readonly name: string;
  readonly token: number;
  /** Null for the hold of a run, which lasts as long as its attempt. */
  readonly expiresAt: string | null;
  readonly holder: string;
  readonly mode: 'exclusive' | 'shared' | 'permits';
  readonly permits: number;
  /** How often the holder has acquired it and not released it. */
  readonly depth: number;
  readonly acquiredAt: string;
  /** The run whose attempt holds it. */
  readonly runId: string | null;
}

export interface ClientLock {
  readonly name: string;
  /** Of a semaphore; null for any other lock. */
  readonly permits: number | null;
  /** Of the semaphore. */
  readonly revision: number | null;
  readonly isHeld: boolean;
  /** The oldest first, a hundred at most. */
  readonly holds: readonly ClientHold[];
  /** How many wait for it. */
  readonly waiters: number;
}

export interface ForceReleaseOptions extends CallOptions {
  /**
   * Of the hold to end. Default: all holds of the lock end; then the call is not repeated, since others may hold it by
   * then.
   */
  token?: number;
}

export interface ClientLocks extends LockClient {
  /** One of any name is there, and free if nothing holds it. */
  get(name: string, options?: CallOptions): Promise<ClientLock>;
  /** What is held, waited for, or a semaphore; by name. */
  list(options?: CallOptions): AsyncIterableIterator<ClientLock>;
  /** Makes a semaphore of a lock, or gives it another number of permits. With `revision` it only changes. */
  setPermits(name: string, permits: number, options?: RevisionOptions): Promise<ClientLock>;
  /** Deletes a semaphore of which no permit is held: its name is a lock like any other again. */
  deleteSemaphore(name: string, options?: RevisionOptions): Promise<void>;
  /** Ends holds whose holders do not release them; resolves with those that it has ended. */
  forceRelease(name: string, options?: ForceReleaseOptions): Promise<readonly ClientHold[]>;
}

export function locksOf(calls: ClientCalls, { bases, tenant, key }: CheckedOptions): ClientLocks {
  const send = async <Answer>(call: Omit<ApiCall, 'signal'>, options: CallOptions): Promise<Answer> =>
    calls.call({ ...call, headers: { ...traceHeaders(options), ...call.headers }, signal: options.signal });
  return {
    ...lockClient({ url: bases, tenant, key }),
    get: async (name, options = {}) => {
      expectCallOptions(options);
      return send({ method: 'GET', path: pathOf(name), isRepeatable: true }, options);
    },
    list: (options = {}) => {
      expectCallOptions(options);
      return itemsOf(calls, { path: 'locks', headers: traceHeaders(options), signal: options.signal });
    },
    setPermits: async (name, permits, options = {}) => {
      expectCallOptions(options, ['revision']);
      const { revision } = options;
      const headers = revision === undefined ? {} : revisionHeader(revision);
      const isRepeatable = revision === undefined;
      const body = JSON.stringify({ permits });
      return send({ method: 'PUT', path: pathOf(name), body, headers, isRepeatable }, options);
    },
    deleteSemaphore: async (name, options = {}) => {
      expectCallOptions(options, ['revision']);
      const headers = revisionHeader(options.revision);
      const isRepeatable = options.revision === undefined;
      await send({ method: 'DELETE', path: pathOf(name), headers, isRepeatable }, options);
    },
    forceRelease: async (name, options = {}) => {
      expectCallOptions(options, ['token']);
      const { token } = options;
      const path = `${pathOf(name)}:forceRelease`;
      const call = { path, body: JSON.stringify({ token }), isRepeatable: token !== undefined };
      return (await send<{ ended: ClientHold[] }>({ method: 'POST', ...call }, options)).ended;
    },
  };
}

function pathOf(name: unknown): string {
  return pathTo('locks', name, 'the name of a lock');
}
