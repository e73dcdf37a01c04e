// What may be assumed of a tenant and its job type? The row that was read last, as long as the insert of the run
// proves that it still holds (job-proof.ts). So a tenant that creates run after run is not read for each, and yet no
// run is accepted under outdated rules. Nothing is refused on an assumption.
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

  /** A text that is no name is not looked up: the database would refuse some such texts. */
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

/** Only an active tenant without a maxQueued limit, with a job type that exists. */
function mayBeAssumed({ tenant, jobType }: TenantAndJob): boolean {
  const limits: TenantLimits = tenant.limits; // checked when they were set
  return jobType !== null && tenant.state === 'active' && limits.maxQueued === undefined;
}

/** Neither name has a slash. */
function keyOf({ tenant, jobType }: Asked): string {
  return `${tenant}/${jobType}`;
}
