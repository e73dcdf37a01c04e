// What may be assumed of a tenant and its job type? What was read of them last, as long as the insert of the run proves
// that it still holds (job-proof.ts): so a tenant that asks for run after run is not read for each, and yet no run is
// taken in by what held a moment ago. Nothing is refused on an assumption.
import { Inject, Injectable } from '@nestjs/common';
import type { Database } from '#database/connection.js';
import { Remembered } from '#kernel/remembered.js';
import type { TenantLimits } from '#execution/limits/limits.js';
import { findTenant, type Tenant } from '#tenancy/tenant.repository.js';
import { API_DATABASE } from '../../tokens.js';
import { resourceName } from '../requests/shapes.js';
import { findTenantAndJob, type TenantAndJob } from './tenant-and-job.repository.js';

const KNOWN_MAX = 10_000;

interface Asked {
  tenant: string;
  jobType: string;
}

@Injectable()
export class KnownJobs {
  readonly #known = new Remembered<string, TenantAndJob>({ max: KNOWN_MAX });

  constructor(@Inject(API_DATABASE) private readonly db: Database) {}

  /** What is no name at all is not asked for: the database would refuse some of it. */
  async tenantNamed(name: string): Promise<Tenant | undefined> {
    return resourceName.safeParse(name).success ? findTenant(this.db, name) : undefined;
  }

  assumed(asked: Asked): TenantAndJob | undefined {
    return this.#known.get(keyOf(asked));
  }

  /** Undefined when there is no such tenant. */
  async read(asked: Asked, db: Database = this.db): Promise<TenantAndJob | undefined> {
    const found = await findTenantAndJob(db, asked);
    if (found === undefined || !mayBeAssumed(found)) this.#known.delete(keyOf(asked));
    else this.#known.set(keyOf(asked), found);
    return found;
  }
}

/** Where nothing has to be counted, and nothing is in the way. */
function mayBeAssumed({ tenant, jobType }: TenantAndJob): boolean {
  const limits: TenantLimits = tenant.limits; // checked when they were set
  return jobType !== null && tenant.state === 'active' && limits.maxQueued === undefined;
}

/** Neither name has a slash. */
function keyOf({ tenant, jobType }: Asked): string {
  return `${tenant}/${jobType}`;
}
