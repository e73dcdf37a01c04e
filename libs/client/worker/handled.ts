// How does an attempt end that works outside of the replicas? By what its handler returns or throws, or by what stops it
// first. A payload or an output that does not fit would not fit next time either, so both fail the run for good.
import { isOutcome } from '#client/jobs/outcomes.js';
import { InvalidPayloadError, pathOf } from '#client/jobs/payload-check.js';
import { callOfReturned, callOfThrown, misfit, type EndCall } from './end-call.js';
import type { RemoteContext, RemoteHandler } from './remote-handler.js';

/** Why an attempt was stopped; becomes `signal.reason`. */
export class Stopped extends Error {
  override readonly name = 'AttemptStopped';

  readonly why: 'cancelled' | 'lease-lost' | 'timeout' | 'shutdown';

  constructor(why: Stopped['why'], message: string) {
    super(message);
    this.why = why;
  }
}

export interface Handled<Context> {
  /** The name of the job. */
  readonly job: string;
  readonly payload: unknown;
  readonly context: Context;
  /** Aborted with a Stopped. */
  readonly signal: AbortSignal;
  readonly now: () => Date;
}

/** Calls the handler. Never rejects: the call that ends the lease, or null when the lease is lost. */
export async function endCallOf(
  handler: RemoteHandler,
  handled: Handled<RemoteContext>,
): Promise<EndCall | null> {
  const { signal, now } = handled;
  const stopped = new Promise<never>((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason as Error); // a Stopped; only ours are given
    signal.addEventListener('abort', () => reject(signal.reason as Error));
  });
  stopped.catch(() => undefined); // it may reject when no caller waits any more
  try {
    return await callOf(handler, handled, stopped);
  } catch (error) {
    if (error instanceof Stopped && error.why === 'lease-lost') return null;
    if (error instanceof Stopped && error.why === 'shutdown') return { verb: 'release', body: {} };
    return callOfThrown(error, now());
  }
}

async function callOf(
  handler: RemoteHandler,
  { job, payload, context, now }: Handled<RemoteContext>,
  stopped: Promise<never>,
): Promise<EndCall> {
  const checked = await handler.payload['~standard'].validate(payload);
  if (checked.issues !== undefined)
    return misfit('InvalidPayload', new InvalidPayloadError(job, '/payload', checked.issues).message);
  const work = Promise.resolve(handler.handle({ payload: checked.value }, context));
  const returned: unknown = await Promise.race([work, stopped]);
  if (isOutcome(returned, 'Snooze')) return callOfReturned(returned, now());
  const output = await handler.output?.['~standard'].validate(returned ?? null);
  if (output?.issues === undefined)
    return callOfReturned(output === undefined ? returned : output.value, now());
  const issues = output.issues.map((issue) => `${pathOf(issue) || '/'}: ${issue.message}`).join('; ');
  return misfit('InvalidOutput', `the output does not fit job ${job}: ${issues}`);
}
