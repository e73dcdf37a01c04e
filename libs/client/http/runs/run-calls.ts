// Creates runs, one or many, and acts on them.
import { parsePayload } from '#client/jobs/payload-check.js';
import { expectDefinition } from '#client/options/known-options.js';
import {
  expectCallOptions,
  keyed,
  traceHeaders,
  type CallOptions,
  type KeyedOptions,
} from '../call-options.js';
import type { ApiCall, ClientCalls } from '../client-calls.js';
import { pathTo } from '../paths.js';
import {
  runBody,
  runsBody,
  type ClientBulkRun,
  type ClientEnqueueOptions,
  type EnqueueAllOptions,
} from './run-body.js';
import type { ClientJob, ClientRun, EnqueuedRun, RefusedRun } from './run-shapes.js';

interface Created {
  id: string;
  deduplicated: boolean;
}

interface Batch {
  results: ({ index: number } & (Created | Pick<RefusedRun, 'error'>))[];
}

export async function enqueue<Input, Output>(
  calls: ClientCalls,
  job: ClientJob<Input, Output>,
  payload: Input,
  options: ClientEnqueueOptions,
): Promise<EnqueuedRun<Output>> {
  expectDefinition(job);
  const body = runBody(job, payload, options);
  const call = creating('runs', body, options);
  await parsePayload(job, payload);
  const { id, deduplicated } = await calls.call<Created>(call);
  return { id, created: !deduplicated };
}

/** In the order of the runs. */
export async function enqueueAll<Input, Output>(
  calls: ClientCalls,
  job: ClientJob<Input, Output>,
  runs: readonly ClientBulkRun<Input>[],
  options: EnqueueAllOptions,
): Promise<(EnqueuedRun<Output> | RefusedRun)[]> {
  expectDefinition(job);
  const body = runsBody(job, runs, options);
  const call = creating('runs:batchCreate', body, options);
  for (const [index, { payload }] of runs.entries())
    await parsePayload(job, payload, `/runs/${index}/payload`);
  if (runs.length === 0) return [];
  const { results } = await calls.call<Batch>(call);
  return results
    .toSorted((a, b) => a.index - b.index)
    .map((result) =>
      'error' in result
        ? { id: null, created: false, error: result.error }
        : { id: result.id, created: !result.deduplicated },
    );
}

function creating(path: string, body: string, options: KeyedOptions): ApiCall {
  const { headers, isRepeatable } = keyed(options);
  const all = { ...traceHeaders(options), ...headers };
  return { method: 'POST', path, body, headers: all, isRepeatable, signal: options.signal };
}

/** Cancels a run, or retries it, which could run it twice more where it is repeated. */
export async function act<Output>(
  calls: ClientCalls,
  id: string,
  {
    verb,
    isRepeatable,
    options = {},
  }: { verb: string; isRepeatable: boolean; options?: CallOptions | undefined },
): Promise<ClientRun<Output>> {
  expectCallOptions(options);
  const path = `${pathToRun(id)}:${verb}`;
  const headers = traceHeaders(options);
  return calls.call({ method: 'POST', path, headers, isRepeatable, signal: options.signal });
}

export function pathToRun(id: unknown): string {
  return pathTo('runs', id, 'the id of a run');
}
