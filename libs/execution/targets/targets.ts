// Where does a run go? Its job type says so. Job types are read when first needed and remembered for a few seconds, so
// a change takes that long to reach runs that are about to start.
import type { JobContext } from '#client/jobs/job-definition.js';
import type { Incarnation, Membership } from '#cluster/membership/membership.js';
import { randomUUID } from '#database/runtime/uuid.js';
import type { Clock } from '#kernel/clock.js';
import { unreachable } from '#kernel/errors.js';
import { Remembered } from '#kernel/remembered.js';
import { asId, type TenantId, type TenantName } from '#kernel/ids.js';
import type { ClaimedRun } from '#execution/runs/claimed-run.js';
import type { AttemptResult, NewLease } from '#execution/runs/decisions/run-transition.js';
import { callHandler } from './handler-target.js';
import type { HandlerRegistry } from './handler-registry.js';
import type { HttpPush } from '#execution/targets/http/http-push.js';
import { callQueue, type UserQueues } from './queue-target.js';
import { DEFAULT_RETRY } from '#kernel/backoff.js';
import {
  DEFAULT_TIMEOUT_MS,
  type JobType,
  type RetryPolicy,
  type Target,
} from '#execution/job-types/job-type.js';
import { JobTypeReader, SpoiltJobType } from '#execution/job-types/job-type-reader.js';
import { checkOutput, checkPayload } from '#execution/schemas/schema-check.js';
import type { SchemaChecks } from '#execution/schemas/schema-checks.js';
import { TakenAlong } from './taken-along.js';

export type CallTarget = (run: ClaimedRun, context: JobContext) => Promise<AttemptResult>;

export interface ResolvedTarget {
  /** The tenant whose runs go there. */
  tenant: TenantName;
  call: CallTarget;
  retry: RetryPolicy;
  timeoutMs: number;
  /** Null when attempts need not send heartbeats. */
  heartbeatMs: number | null;
  /** The names of the locks that an attempt must hold. */
  locks: readonly string[];
}

/** Targets outside of this process, or at least off its event loop. */
export interface RemoteTargets {
  push: HttpPush;
  queues: UserQueues;
  checks: SchemaChecks;
}

const REMEMBERED_MS = 5_000;
const REMEMBERED_MAX = 10_000;

interface Asked {
  tenantId: TenantId;
  name: string;
}

interface KnownTarget {
  incarnation: Incarnation;
  readAtMs: number;
  isUsed: boolean;
  /** The value itself once it is known, so that runs of a known job type need not wait a turn for it. */
  target: ResolvedTarget | Promise<ResolvedTarget>;
}

type When = Pick<KnownTarget, 'incarnation' | 'readAtMs'>;

export class Targets {
  readonly #remembered = new Remembered<TenantId, Map<string, KnownTarget>>({ max: REMEMBERED_MAX });
  readonly #reader = new JobTypeReader();
  readonly #takenAlong = new TakenAlong<Asked, KnownTarget>();

  constructor(
    private readonly membership: Membership,
    private readonly registry: HandlerRegistry,
    private readonly remote: RemoteTargets,
    private readonly clock: Clock,
  ) {}

  /** Throws or rejects when the database could not be asked; the run is not to blame then. */
  resolve({ tenantId, jobType }: ClaimedRun): ResolvedTarget | Promise<ResolvedTarget> {
    const { incarnation } = this.membership;
    if (incarnation === null) throw new Error('expected to be a member of the cluster, got expelled');
    const nowMs = this.clock.monotonicMs();
    const known = this.#remembered.get(tenantId)?.get(jobType);
    if (known !== undefined && known.incarnation === incarnation && nowMs - known.readAtMs < REMEMBERED_MS) {
      known.isUsed = true;
      return known.target;
    }
    const when = { incarnation, readAtMs: nowMs };
    const reading = this.#read(when, { tenantId, name: jobType });
    for (const { known: aged, asked } of this.#takenAlong.take(nowMs - REMEMBERED_MS / 2))
      if (this.#remembered.get(asked.tenantId)?.get(asked.name) === aged)
        void this.#readAgain(when, asked, aged);
    return reading;
  }

  /** Runs of this job type will come soon. It has just been read, so it need not be read again for them. */
  expect({ id, name }: { id: TenantId; name: TenantName }, jobType: JobType): void {
    const { incarnation } = this.membership;
    if (incarnation === null) return;
    const target = this.#targetOf(incarnation, name, jobType);
    this.#ofTenant(id).set(jobType.name, {
      incarnation,
      readAtMs: this.clock.monotonicMs(),
      isUsed: false,
      target,
    });
  }

  #ofTenant(tenantId: TenantId): Map<string, KnownTarget> {
    const known = this.#remembered.get(tenantId);
    if (known !== undefined) return known;
    const ofTenant = new Map<string, KnownTarget>();
    this.#remembered.set(tenantId, ofTenant);
    return ofTenant;
  }

  #read(when: When, asked: Asked): Promise<ResolvedTarget> {
    const ofTenant = this.#ofTenant(asked.tenantId);
    const reading = this.#find(when.incarnation, asked);
    const remembered: KnownTarget = { ...when, isUsed: false, target: reading };
    ofTenant.set(asked.name, remembered);
    this.#takenAlong.noteRead(remembered, asked);
    reading.then(
      (target) => (remembered.target = target),
      // A failed read must not be remembered; its awaiters get the error as well.
      () => ofTenant.get(asked.name) === remembered && ofTenant.delete(asked.name),
    );
    return reading;
  }

  /** Until the answer is there, and where there is none, what is known holds for as long as it would have. */
  async #readAgain(when: When, asked: Asked, aged: KnownTarget): Promise<void> {
    const target = await this.#find(when.incarnation, asked).catch(() => null);
    const ofTenant = this.#ofTenant(asked.tenantId);
    if (target === null || ofTenant.get(asked.name) !== aged) return;
    const remembered: KnownTarget = { ...when, isUsed: false, target };
    ofTenant.set(asked.name, remembered);
    this.#takenAlong.noteRead(remembered, asked);
  }

  async #find(incarnation: Incarnation, asked: Asked): Promise<ResolvedTarget> {
    const { tenant, jobType } = await this.#reader.find(incarnation.db, asked);
    if (jobType === undefined) return missing(tenant, asked.name);
    if (jobType instanceof SpoiltJobType) return spoilt(tenant, jobType);
    return this.#targetOf(incarnation, tenant, jobType);
  }

  #targetOf(incarnation: Incarnation, tenant: TenantName, jobType: JobType): ResolvedTarget {
    const { retry, timeoutMs, heartbeatMs, locks } = jobType;
    return {
      tenant,
      call: this.#checked(jobType, this.#callOf(incarnation, jobType)),
      retry,
      timeoutMs,
      heartbeatMs,
      locks: locks.map(({ name }) => name),
    };
  }

  #callOf({ db }: Incarnation, { name, target, timeoutMs, targetAllowed }: JobType): CallTarget {
    if (!targetAllowed) return notAllowed(name, target);
    switch (target.kind) {
      case 'handler':
        return (run, context) =>
          callHandler({ registry: this.registry, handler: target.handler, run, context });
      case 'http':
        return (run, context) => this.remote.push.call({ db, target, timeoutMs, run, context });
      case 'pull':
        return async () => ({ kind: 'parked', lease: offerOf(target.leaseSeconds, timeoutMs) });
      case 'queue':
        return (run, context) => callQueue({ target, run, context, queues: this.remote.queues });
      default:
        return unreachable(target);
    }
  }

  /** Checks the schemas that a tenant has written; a handler's own schemas are checked where it is called. */
  #checked({ name, shared, payloadSchema, outputSchema }: JobType, call: CallTarget): CallTarget {
    if (shared || (payloadSchema === null && outputSchema === null)) return call;
    const { checks } = this.remote;
    return async (run, context) => {
      const { tenantId, payload } = run;
      const misfit =
        payloadSchema === null
          ? null
          : await checkPayload(checks, payload, { tenantId, name, payloadSchema });
      if (misfit !== null) return misfit;
      const result = await call(run, context);
      if (result.kind !== 'succeeded' || outputSchema === null) return result;
      return (await checkOutput(checks, result.output, { tenantId, name, outputSchema })) ?? result;
    };
  }
}

function missing(tenant: TenantName, name: string): ResolvedTarget {
  const error = { name: 'JobTypeMissing', message: `expected a job type ${name}, found none` };
  return {
    tenant,
    call: async () => ({ kind: 'failed', error, fatal: false }),
    retry: DEFAULT_RETRY,
    timeoutMs: DEFAULT_TIMEOUT_MS,
    heartbeatMs: null,
    locks: [],
  };
}

/** Fatal: only an administrator can allow the target, and can then have the runs retried. */
function notAllowed(name: string, target: Target): CallTarget {
  const named = target.kind === 'queue' ? target.queue : target.kind === 'handler' ? target.handler : '';
  const message = `expected job type ${name} to name a ${target.kind} that an administrator has allowed the tenant, got ${named}`;
  const error = { name: 'TargetNotAllowed', message };
  return async () => ({ kind: 'failed', error, fatal: true });
}

/** Its runs fail for good, with the reason: put back, they would be claimed again at once, for ever and silently. */
function spoilt(tenant: TenantName, { name, message }: SpoiltJobType): ResolvedTarget {
  return {
    tenant,
    call: async () => ({ kind: 'failed', error: { name, message }, fatal: true }),
    retry: DEFAULT_RETRY,
    timeoutMs: DEFAULT_TIMEOUT_MS,
    heartbeatMs: null,
    locks: [],
  };
}

function offerOf(leaseSeconds: number, timeoutMs: number): NewLease {
  return { id: asId.lease(randomUUID()), kind: 'pull', leaseMs: leaseSeconds * 1_000, timeoutMs };
}
