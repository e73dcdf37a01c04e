// Which work is limited while things go wrong? Four tenants, each with the same job types of all four kinds of target,
// and each with other limits of its own: the checker counts what their attempts say of themselves against these very
// values (I7). What waits for a limit may be late, so they have no schedules.
import type { Cluster, Seat } from '../cluster.js';

export interface Rate {
  readonly count: number;
  readonly perSeconds: number;
}

interface TenantLimits {
  readonly maxConcurrent?: number;
  readonly rate?: Rate;
}

interface JobTypeLimits extends TenantLimits {
  readonly maxConcurrentPerKey?: number;
}

export interface LimitedJobType {
  readonly name: string;
  /** 'queue' runs are over as soon as they are in their queue: nothing of them executes. */
  readonly kind: 'handler' | 'http' | 'pull' | 'queue';
  readonly limits: JobTypeLimits;
}

/** The queue that is paused now and then. */
export const PAUSED_QUEUE = 'side';
/** The user's own, in pg-boss. */
export const USER_QUEUE = 'chaos.mail';
/** The job type of runs that workers outside take. */
export const PULLED = 'pulled';
/** Of the protocol the shortest: a worker that goes silent for longer has lost its attempt. */
export const LEASE_SECONDS = 5;
const TIMEOUT_SECONDS = 30;

export const LIMITED_JOB_TYPES: readonly LimitedJobType[] = [
  { name: 'worked', kind: 'handler', limits: { maxConcurrentPerKey: 1 } },
  { name: 'computed', kind: 'handler', limits: { maxConcurrent: 1 } },
  { name: 'committed', kind: 'handler', limits: { maxConcurrent: 2 } },
  { name: 'metered', kind: 'handler', limits: { rate: { count: 3, perSeconds: 2 } } },
  { name: 'pushed', kind: 'http', limits: { maxConcurrent: 2 } },
  { name: 'continued', kind: 'http', limits: { maxConcurrent: 2 } },
  { name: PULLED, kind: 'pull', limits: { maxConcurrent: 2 } },
  { name: 'handed-over', kind: 'queue', limits: {} },
];

export interface LimitedTenant {
  readonly name: string;
  readonly limits: TenantLimits;
  readonly isSuspendedNowAndThen?: true;
}

export const LIMITED_TENANTS: readonly LimitedTenant[] = [
  { name: 'strict-few', limits: { maxConcurrent: 3 } },
  { name: 'strict-rate', limits: { maxConcurrent: 5, rate: { count: 6, perSeconds: 2 } } },
  { name: 'strict-types', limits: {} },
  { name: 'strict-away', limits: { maxConcurrent: 4 }, isSuspendedNowAndThen: true },
];

const HANDLERS: Readonly<Record<string, string>> = {
  worked: 'spell',
  metered: 'spell',
  computed: 'spell.thread',
  committed: 'spell.in-tx',
};

const ALLOWED = { allowedQueues: [USER_QUEUE], allowedHandlers: ['spell', 'spell.thread', 'spell.in-tx'] };

export async function addLimitedTenants(
  cluster: Cluster,
  { seat, sinkUrl }: { seat: Seat; sinkUrl: string },
): Promise<void> {
  for (const { name, limits } of LIMITED_TENANTS) {
    const path = `/api/v1/tenants/${name}`;
    await cluster.insist(seat, '/api/v1/tenants', { body: { name } });
    await cluster.insist(seat, path, { method: 'PATCH', body: { limits, ...ALLOWED } });
    for (const jobType of LIMITED_JOB_TYPES) {
      const body = {
        name: jobType.name,
        target: targetOf(jobType, sinkUrl),
        limits: jobType.limits,
        retry: { maxAttempts: 100, minSeconds: 0.5, maxSeconds: 1 },
        timeoutSeconds: TIMEOUT_SECONDS,
      };
      await cluster.insist(seat, `${path}/job-types`, { body });
    }
  }
}

function targetOf({ name, kind }: LimitedJobType, sinkUrl: string): object {
  switch (kind) {
    case 'handler':
      return { kind, handler: HANDLERS[name] };
    case 'http':
      return { kind, url: sinkUrl };
    case 'pull':
      return { kind, leaseSeconds: LEASE_SECONDS };
    case 'queue':
      return { kind, queue: USER_QUEUE };
  }
}
