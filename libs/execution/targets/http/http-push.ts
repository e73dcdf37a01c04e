// How does a replica call a tenant's endpoints, and when does it not? It signs with the tenant's secrets, which it
// remembers for a few seconds, gives each call a lease with which the endpoint may continue, and pauses an origin after
// too many failures in a row. A run that meets such a pause is put off: its attempt has not begun.
import type { JobContext } from '#client/jobs/job-definition.js';
import { insertEvent } from '#cluster/cluster-event.repository.js';
import { inTransaction, type Database } from '#database/connection.js';
import { randomUUIDv7 } from '#database/runtime/uuid.js';
import type { Clock } from '#kernel/clock.js';
import { asId, type TenantId } from '#kernel/ids.js';
import { AttemptStopped } from '#execution/runs/attempt-stopped.js';
import { describeCallFailure } from './call-failure.js';
import type { Circuits } from './circuits.js';
import type { ClaimedRun } from '#execution/runs/claimed-run.js';
import { shownUrl } from '#execution/endpoints/endpoint-url.js';
import type { AttemptResult } from '#execution/runs/decisions/run-transition.js';
import { Remembered } from '#kernel/remembered.js';
import { Seldom } from '#kernel/seldom.js';
import type { GuardedOutlet } from '#execution/endpoints/guarded-outlet.js';
import { callHttp } from './http-target.js';
import type { Target } from '#execution/job-types/job-type.js';
import { pauseGone } from '#execution/job-types/job-type.repository.js';
import type { LeaseTokens } from '#execution/leases/lease-token.js';
import { findSender, type Sender } from './webhook-secret.repository.js';

export interface HttpPushParts {
  outlet: GuardedOutlet;
  circuits: Circuits;
  tokens: LeaseTokens;
  /** The API's URL for endpoints, without a slash at the end. */
  callbackUrl: string;
  clock: Clock;
  /** Called once a minute for a tenant's origin, with details that a tenant must not see. */
  onFailure: (failure: CallFailure) => void;
}

export interface CallFailure {
  tenant: string;
  url: string;
  error: unknown;
}

export interface Push {
  db: Database;
  target: Target & { kind: 'http' };
  timeoutMs: number;
  run: ClaimedRun;
  context: JobContext;
}

const GONE = 410;
const REMEMBERED_MS = 5_000;
const TOLD_EVERY_MS = 60_000;
const REMEMBERED_MAX = 10_000;
/** The tenant's secrets could not be read; the run is not to blame. */
const AGAIN_MS = 1_000;

export class HttpPush {
  readonly #senders = new Remembered<TenantId, { sender: Promise<Sender | undefined>; readAtMs: number }>({
    max: REMEMBERED_MAX,
  });
  readonly #told = new Seldom({ everyMs: TOLD_EVERY_MS, keysMax: REMEMBERED_MAX });

  constructor(private readonly parts: HttpPushParts) {}

  async call({ db, target, timeoutMs, run, context }: Push): Promise<AttemptResult> {
    const { circuits, tokens, outlet, clock, callbackUrl } = this.parts;
    const sender = await this.#senderOf(db, run.tenantId).catch(() => undefined);
    if (sender === undefined) return { kind: 'put-off', delayMs: AGAIN_MS };
    const key = `${run.tenantId} ${new URL(target.url).origin}`;
    const waitMs = circuits.permitCall(key);
    if (waitMs !== null) return { kind: 'put-off', delayMs: waitMs };
    const id = asId.lease(randomUUIDv7());
    const token = tokens.tokenOf(id);
    const url = `${callbackUrl}/api/v1/tenants/${sender.tenantName}/worker/leases/${token}`;
    const lease = { id, token, callbackUrl: url, timeoutMs };
    let isAnswered = false;
    let isGone = false;
    const answered = (statusCode: number): void => {
      isAnswered = true;
      isGone = statusCode === GONE;
      // An endpoint that refuses a call has understood it: it is not down.
      circuits.recordResult(key, statusCode < 500);
    };
    const { secrets } = sender;
    const call = { target, run, context, outlet, secrets, lease, now: clock.now(), answered };
    const result = await callHttp(call).catch((error: unknown) => {
      // A call that we stopped says nothing about the endpoint, unless it was too slow.
      if (!isAnswered && !wasStoppedByUs(context.signal)) circuits.recordResult(key, false);
      if (context.signal.aborted) throw error;
      const failure = { tenant: sender.tenantName, url: shownUrl(target.url), error };
      this.#tellOperator(key, failure);
      return failed(failure);
    });
    // If the write fails, the next call that meets 410 tries again.
    if (isGone)
      await this.#pause(db, { run, url: target.url, tenantName: sender.tenantName }).catch(() => undefined);
    return result;
  }

  /** As Standard Webhooks requires: an endpoint that says it is gone is not called any more. */
  async #pause(
    db: Database,
    { run, url, tenantName }: { run: ClaimedRun; url: string; tenantName: string },
  ): Promise<void> {
    const { tenantId, jobType, id } = run;
    const reason = `expected 2xx from ${shownUrl(url)}, got 410 Gone for run ${id}`;
    await inTransaction(db, async (tx) => {
      if (!(await pauseGone(tx, { tenantId, name: jobType, url, reason }))) return;
      await insertEvent(tx, { type: 'job-type-paused', data: { tenant: tenantName, jobType, reason } });
    });
  }

  /** Seldom, because an endpoint that is down would fill the log. */
  #tellOperator(key: string, failure: CallFailure): void {
    if (this.#told.isDue(key, this.parts.clock.monotonicMs())) this.parts.onFailure(failure);
  }

  #senderOf(db: Database, tenantId: TenantId): Promise<Sender | undefined> {
    const nowMs = this.parts.clock.monotonicMs();
    const remembered = this.#senders.get(tenantId);
    if (remembered !== undefined && nowMs - remembered.readAtMs < REMEMBERED_MS) return remembered.sender;
    const sender = findSender(db, tenantId);
    this.#senders.set(tenantId, { sender, readAtMs: nowMs });
    // A failed read must not be remembered; its awaiters get the error as well.
    sender.catch(() => this.#senders.delete(tenantId));
    return sender;
  }
}

function failed({ error, url }: CallFailure): AttemptResult {
  return { kind: 'failed', error: describeCallFailure(error, url), fatal: false };
}

function wasStoppedByUs({ aborted, reason }: AbortSignal): boolean {
  return aborted && reason instanceof AttemptStopped && reason.why !== 'timeout';
}
