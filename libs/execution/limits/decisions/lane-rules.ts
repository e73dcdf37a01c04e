// May one more run of a lane start now, and how many of its runs are worth holding? The tenant and the job type set the
// rules; every run that may be executing anywhere counts against them.
import { isUnlimitedKey } from '#kernel/schedule-key.js';
import { isStrictKey, overlapOf, type KeyOverlap } from '#kernel/keys/key-overlap.js';

export interface RateLimit {
  /** Starts allowed in `perSeconds`; after a pause this many may start at once. */
  count: number;
  perSeconds: number;
}

export interface TenantRules {
  maxConcurrent?: number | undefined;
  rate?: RateLimit | undefined;
}

export interface JobTypeRules extends TenantRules {
  maxConcurrentPerKey?: number | undefined;
}

/** A lock of the tenant that a run's attempt holds. */
export interface NeededLock {
  name: string;
  mode: 'exclusive' | 'shared' | 'permits';
  permits: number;
}

export interface LaneRules {
  /** No run of it starts: its queue or job type is paused, or its tenant suspended. */
  paused: boolean;
  /** The tenant's share of running time, in proportion to the others'. */
  weight: number;
  tenant: TenantRules;
  jobType: JobTypeRules;
  /** What its key says: its runs run one at a time, and this becomes of one that comes while another runs. */
  overlap?: KeyOverlap;
  /** Without them no run of it starts. Undefined for none. */
  locks?: readonly NeededLock[];
  /** Its runs are those of a schedule with locks, which came with them. */
  hasOwnLocks?: boolean;
  /** Its runs start in their order, so the owner holds none but the next. */
  isStrict?: boolean;
}

export const NO_RULES: LaneRules = { paused: false, weight: 1, tenant: {}, jobType: {} };

/**
 * The rules of a lane with this stored key: its runs run one at a time if the key has a policy, and a schedule's own lane
 * limits nothing.
 */
export function withKeyOverlap(rules: LaneRules, concurrencyKey: string | null): LaneRules {
  if (isUnlimitedKey(concurrencyKey))
    return { ...rules, jobType: { ...rules.jobType, maxConcurrentPerKey: undefined }, hasOwnLocks: true };
  const overlap = overlapOf(concurrencyKey);
  if (overlap === undefined) return rules;
  const oneByOne = { ...rules, jobType: { ...rules.jobType, maxConcurrentPerKey: 1 }, overlap };
  return isStrictKey(concurrencyKey) ? { ...oneByOne, isStrict: true } : oneByOne;
}

/** Runs that may be executing now, here or elsewhere. */
export interface Occupied {
  byTenant: number;
  byJobType: number;
  byKey: number;
}

/**
 * What keeps the next run from starting. 'tenant' holds all of the tenant's lanes back, 'job-type' those of the job
 * type, the other values this lane alone. 'uncounted' means that this replica has not counted the runs elsewhere.
 */
export type Barrier = 'paused' | 'uncounted' | 'tenant' | 'job-type' | 'key';

/** Calls `occupiedNow` only where it matters; null means that the runs elsewhere were not counted. */
export function barrierOf(
  rules: LaneRules,
  occupiedNow: () => Occupied | null,
  hasKey: boolean,
): Barrier | null {
  if (rules.paused) return 'paused';
  if (!limitsConcurrency(rules, hasKey)) return null;
  const occupied = occupiedNow();
  if (occupied === null) return 'uncounted';
  if (isFull(rules.tenant.maxConcurrent, occupied.byTenant)) return 'tenant';
  if (isFull(rules.jobType.maxConcurrent, occupied.byJobType)) return 'job-type';
  if (hasKey && isFull(rules.jobType.maxConcurrentPerKey, occupied.byKey)) return 'key';
  return null;
}

/** True when a run elsewhere may keep a run of the lane from starting. */
export function limitsConcurrency({ tenant, jobType }: LaneRules, hasKey: boolean): boolean {
  const { maxConcurrent, maxConcurrentPerKey } = jobType;
  return (
    tenant.maxConcurrent !== undefined ||
    maxConcurrent !== undefined ||
    (hasKey && maxConcurrentPerKey !== undefined)
  );
}

/** A limited lane is worth holding only as far as it stays busy until the next claim. */
const SPARE = 20;
/** How many can have locks that may be shared is known when they try. */
const SHARING = 50;
/** Of a lane in which runs wait for locks that came with them, no more are worth holding. */
export const WORTH_BESIDE_OWN_LOCKS = 2 * SHARING + SPARE;

/** How many runs of the lane are worth holding; infinite when nothing limits it. */
export function worthHolding(rules: LaneRules, hasKey: boolean): number {
  if (rules === NO_RULES) return Number.POSITIVE_INFINITY;
  const { tenant, jobType, overlap } = rules;
  if (rules.isStrict === true) return 1;
  const limits = [
    tenant.maxConcurrent,
    jobType.maxConcurrent,
    hasKey ? jobType.maxConcurrentPerKey : undefined,
  ];
  if (rules.locks !== undefined)
    limits.push(rules.locks.some(({ mode }) => mode === 'exclusive') ? 1 : SHARING);
  if (rules.hasOwnLocks === true) limits.push(SHARING);
  const limit = Math.min(...limits.map((each) => each ?? Number.POSITIVE_INFINITY));
  const rates = [tenant.rate, jobType.rate].flatMap((rate) => (rate === undefined ? [] : [rate.count]));
  // All that may wait for their turn, and those that may not: their due times are decided at once.
  const queued = overlap?.mode === 'queue' ? (overlap.max ?? 0) : 0;
  return Math.min(2 * limit + SPARE + queued, ...rates.map((count) => count + SPARE));
}

function isFull(limit: number | undefined, occupied: number): boolean {
  return limit !== undefined && occupied >= limit;
}
