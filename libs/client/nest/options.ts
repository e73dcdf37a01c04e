// The options of CarillonModule: those of the client, and in `worker` those of the worker, which share URL, tenant and
// key.
import type { ClientOptions, ExportedHandler, NamedHandler, WorkerOptions } from '#client/index.js';
import { expectKnownOptions, expectList } from '#client/options/known-options.js';

export interface WorkerRoleOptions extends Pick<
  WorkerOptions,
  'concurrency' | 'name' | 'labels' | 'graceSeconds' | 'onError'
> {
  /** Beside the methods with @JobHandler: what `handler` or `remoteHandler` made. */
  handlers?: readonly (ExportedHandler | NamedHandler)[];
}

export interface CarillonOptions extends ClientOptions {
  /**
   * Runs the methods with @JobHandler of this application's providers; `{}` takes all defaults. `false` leaves them to
   * another process; without `worker` there must be none.
   */
  worker?: WorkerRoleOptions | false;
}

export const OPTIONS = Symbol('carillon.options');

const WORKER_OPTIONS = ['concurrency', 'name', 'labels', 'graceSeconds', 'onError', 'handlers'];

/** Those of the client, which checks them itself. */
export function clientOptions({ worker, ...options }: CarillonOptions): ClientOptions {
  if (worker === undefined || worker === false) return options;
  expectKnownOptions(worker, WORKER_OPTIONS, { prefix: 'worker.' });
  expectList('worker.handlers', worker.handlers);
  return options;
}

/** How the worker reaches the API. */
export function reachOf({ url, urls = [], tenant, key }: CarillonOptions) {
  return { url: url ?? urls, tenant, key };
}
