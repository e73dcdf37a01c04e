// What may be assumed of a tenant and its job type? The rows that were read last, as long as the insert of the run
// proves that they still hold (job-proof.ts). So a tenant that creates run after run is not read for each, and yet no
// run is accepted under outdated rules. Nothing is refused on an assumption.
import type { Database } from '#database/connection.js';
import type { JobType } from '#execution/job-types/job-type.js';
import type { TenantLimits } from '#execution/limits/limits.js';
import type { Slot, TenantId, TenantName } from '#kernel/ids.js';
import { Remembered } from '#kernel/remembered.js';

const KNOWN_MAX = 10_000;

/** What the intake needs to know of a tenant. */
export interface IntakeTenant {
  id: TenantId;
  name: TenantName;
  slot: Slot;
  state: 'active' | 'suspended';
  /** Its share of running time. */
  weight: number;
  limits: object;
}

export interface TenantAndJob<Tenant extends IntakeTenant> {
  tenant: Tenant;
  /** Null when the tenant has no such job type. */
  jobType: JobType | null;
  /** Proves that both rows are still as they were read (job-proof.ts). */
  proof: string;
}

/** The tenant and job type of a request, read for it or assumed. */
export interface NamedJob<Tenant extends IntakeTenant> extends TenantAndJob<Tenant> {
  isAssumed: boolean;
}

/** The names of both. */
export interface JobNames {
  tenant: string;
  jobType: string;
}

export class AssumedJobs<Tenant extends IntakeTenant> {
  readonly #known = new Remembered<string, TenantAndJob<Tenant>>({ max: KNOWN_MAX });

  /** `find` reads both rows with one statement; undefined when there is no such tenant. */
  constructor(
    private readonly find: (db: Database, names: JobNames) => Promise<TenantAndJob<Tenant> | undefined>,
  ) {}

  assumed(names: JobNames): TenantAndJob<Tenant> | undefined {
    return this.#known.get(keyOf(names));
  }

  /** Undefined when there is no such tenant. */
  async read(db: Database, names: JobNames): Promise<TenantAndJob<Tenant> | undefined> {
    const found = await this.find(db, names);
    if (found === undefined || !mayBeAssumed(found)) this.#known.delete(keyOf(names));
    else this.#known.set(keyOf(names), found);
    return found;
  }
}

/** Only an active tenant without a maxQueued limit, with a job type that exists. */
function mayBeAssumed({ tenant, jobType }: TenantAndJob<IntakeTenant>): boolean {
  return jobType !== null && tenant.state === 'active' && !isLimited(tenant);
}

export function isLimited(tenant: IntakeTenant): boolean {
  const limits: TenantLimits = tenant.limits; // checked when they were set
  return limits.maxQueued !== undefined;
}

/** Neither name has a slash. */
function keyOf({ tenant, jobType }: JobNames): string {
  return `${tenant}/${jobType}`;
}
