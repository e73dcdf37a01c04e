// Whose change is next at the gate of a tenant's owner? A change of a schedule, or the cancellation of a run, holds off
// the owner's claims, which serve other tenants as well. In this replica one tenant's changes go there one after the
// other. Those behind wait here, without a database session and without the turn of a request, so that the tenant's
// other requests are served, and a change of another tenant finds at most one of them before it.
import { Injectable } from '@nestjs/common';
import type { Tenant } from '#tenancy/tenant.repository.js';
import { KeyTurns } from '../requests/key-turns.js';
import type { Turn } from './request-turns.js';
import { overShare, shareOfTenant } from './tenant-shares.js';

/** Acts of one kind, of which a tenant has one at a time in this replica. */
export class TenantTurns {
  readonly #turns = new KeyTurns<Tenant['id']>();

  /** Throws a problem when as many wait already as the tenant may have requests. */
  async act<Result>(
    tenant: Pick<Tenant, 'id' | 'limits'>,
    turn: Turn,
    act: () => Promise<Result>,
  ): Promise<Result> {
    const [max, current] = [shareOfTenant(tenant, 'maxRequests'), this.#turns.countOf(tenant.id)];
    if (current >= max) throw overShare('maxRequests', { max, current, retryAfterSeconds: 1 });
    return this.#turns.act(tenant.id, turn, act);
  }
}

@Injectable()
export class GateTurns extends TenantTurns {}
