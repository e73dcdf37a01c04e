// How is a run pushed to a tenant's HTTP endpoint? One signed POST of the payload, no redirects, a bounded answer. 2xx
// is success, and a JSON answer is the output. 202 means that the endpoint continues by itself and will end the lease
// that the call names. 4xx is fatal, since a retry would not help, except for 408, 425 and 429. Any other status is
// retried, not before Retry-After where it is given.
import type { JobContext } from '#client/jobs/job-definition.js';
import { randomBytes } from 'node:crypto';
import type { LeaseId } from '#kernel/ids.js';
import type { ClaimedRun } from '#execution/runs/claimed-run.js';
import { retryAfterMs } from './decisions/retry-after.js';
import type { AttemptResult } from '#execution/runs/decisions/run-transition.js';
import { shownUrl } from '#execution/endpoints/endpoint-url.js';
import type { GuardedOutlet } from '#execution/endpoints/guarded-outlet.js';
import { lenientText, outputOf, readAnswer } from './http-answer.js';
import type { Target } from '#execution/job-types/job-type.js';
import { signatureHeaders } from './webhook-signature.js';

const RETRYABLE_STATUSES = new Set([408, 425, 429]);
const RETRY_AFTER_STATUSES = new Set([429, 503]);
const ACCEPTED = 202;

/** Signs the call, and lets the endpoint continue after it. */
export interface PushLease {
  id: LeaseId;
  token: string;
  /** The endpoint appends `:complete`, `:fail` and so on. */
  callbackUrl: string;
  timeoutMs: number;
}

export interface HttpCall {
  target: Target & { kind: 'http' };
  run: ClaimedRun;
  context: JobContext;
  /** Refuses addresses that tenants must not reach. */
  outlet: GuardedOutlet;
  /** `whsec_` secrets, each of which signs. */
  secrets: readonly string[];
  lease: PushLease;
  now: Date;
  /** Called with the status as soon as the answer begins. */
  answered?: (statusCode: number) => void;
}

/** Rejects with the signal's reason when it is stopped, and with the cause when there is no answer. */
export async function callHttp(call: HttpCall): Promise<AttemptResult> {
  const { target, run, context, outlet, secrets, lease, now } = call;
  const { signal } = context;
  const body = JSON.stringify(run.payload);
  const answer = await outlet.post({
    tenantId: run.tenantId,
    url: new URL(target.url),
    signal,
    headers: {
      'accept-encoding': 'identity',
      ...lowerCased(target.headers),
      'content-type': 'application/json',
      // The same on every try, so that the receiver recognises a repetition.
      ...signatureHeaders({ id: run.id, at: now, body }, secrets),
      traceparent: traceparentOf(run),
      'x-run-id': run.id,
      'x-attempt': String(run.attempt),
      // Every start of a run has a larger number, whichever replica makes it.
      'x-fencing-token': String(run.attempt),
      'x-lease-token': lease.token,
      'x-callback-url': lease.callbackUrl,
      ...(run.locks === undefined ? {} : { 'carillon-lock-tokens': tokensOf(run.locks) }),
      ...(run.dueAt === null ? {} : { 'x-fire-time': run.dueAt.toISOString() }),
    },
    body,
  });
  const { statusCode = 0, headers } = answer;
  call.answered?.(statusCode);
  const read = await readAnswer(answer).catch((error: unknown) => {
    throw signal.aborted ? signal.reason : error;
  });
  if (statusCode === ACCEPTED) {
    const { id, timeoutMs } = lease;
    return { kind: 'parked', lease: { id, kind: 'push', leaseMs: null, timeoutMs } };
  }
  if (statusCode < 200 || statusCode >= 300)
    return refusal(call, { statusCode, text: lenientText(read), retryAfter: headers['retry-after'] });
  const output = outputOf(read, headers['content-type']);
  if (output.kind === 'output') return { kind: 'succeeded', output: output.value };
  // The work is done; a retry would only bring the same output.
  const message = `expected from ${shownUrl(target.url)} an answer ${output.why}`;
  return { kind: 'failed', error: { name: 'UnfitAnswer', message }, fatal: true };
}

interface Refused {
  statusCode: number;
  text: string;
  retryAfter: string | undefined;
}

function refusal({ target, now }: HttpCall, { statusCode, text, retryAfter }: Refused): AttemptResult {
  const error = {
    name: 'HttpStatus',
    message: `expected 2xx from ${shownUrl(target.url)}, got ${statusCode}: ${text.slice(0, 500)}`,
  };
  const fatal = statusCode >= 300 && statusCode < 500 && !RETRYABLE_STATUSES.has(statusCode);
  const waitMs = RETRY_AFTER_STATUSES.has(statusCode) ? retryAfterMs(retryAfter, now) : null;
  return { kind: 'failed', error, fatal, ...(waitMs === null ? {} : { retryAfterMs: waitMs }) };
}

/** W3C Trace Context: one trace for all attempts of a run, whose id is the run's, and a span for each. */
function traceparentOf(run: ClaimedRun): string {
  return `00-${run.id.replaceAll('-', '')}-${randomBytes(8).toString('hex')}-01`;
}

/** `books=17, prices=18`: names hold neither sign. */
function tokensOf(locks: Readonly<Record<string, number>>): string {
  return Object.entries(locks)
    .map(([name, token]) => `${name}=${token}`)
    .join(', ');
}

/** Header names have no case; ours must override the tenant's in any spelling. */
function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
