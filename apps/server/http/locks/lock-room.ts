// How many locks may a tenant hold at once? Counting its holds at each request would cost more than the lock, so they are
// counted when so many may have been acquired since the last count that the limit could be reached. Each replica knows
// its own requests only, so a tenant may come to hold some more.
import { Inject, Injectable } from '@nestjs/common';
import type { Database } from '#database/connection.js';
import type { TenantId } from '#kernel/ids.js';
import { countHolds } from '#locks/hold.repository.js';
import type { Tenant } from '#tenancy/tenant.repository.js';
import { API_DATABASE } from '../../tokens.js';
import { overShare, shareOfTenant } from '../access/tenant-shares.js';

const TENANTS_KNOWN_MAX = 10_000;

@Injectable()
export class LockRoom {
  /** How many holds each tenant can have at most, as far as this replica knows. */
  readonly #known = new Map<TenantId, number>();

  constructor(@Inject(API_DATABASE) private readonly db: Database) {}

  /** Throws a problem when the tenant has no room for `adds` more. */
  async require(tenant: Tenant, adds: number): Promise<void> {
    const max = shareOfTenant(tenant, 'maxLocks');
    let known = this.#known.get(tenant.id) ?? max;
    if (known + adds > max) {
      known = await countHolds(this.db, { tenantId: tenant.id, upTo: max });
      if (known + adds > max) throw overShare('maxLocks', { max, current: known, retryAfterSeconds: 5 });
    }
    if (this.#known.size >= TENANTS_KNOWN_MAX) this.#known.clear();
    this.#known.set(tenant.id, known + adds);
  }
}
