// May a tenant's job type have this target? Otherwise each of its runs would fail.
import { Injectable } from '@nestjs/common';
import { allowedFor, refusalOf } from '#execution/endpoints/decisions/allowed-target.js';
import type { Target } from '#execution/job-types/job-type.js';
import type { Tenant } from '#tenancy/tenant.repository.js';
import { ReplicaService } from '../../replica/replica-service.js';
import { invalidField } from '../problems/problem.js';

@Injectable()
export class TargetCheck {
  constructor(private readonly replica: ReplicaService) {}

  /** Throws a problem that names the field. */
  async require(tenant: Tenant, target: Target): Promise<void> {
    const refusal = refusalOf(target, allowedFor(target, tenant));
    // Checked first: a tenant that may not use a queue must not learn whether it exists.
    if (refusal !== null) throw invalidField(`/target/${refusal.field}`, refusal.message);
    if (target.kind !== 'queue') return;
    const why = await this.replica.whyNoQueue(target.queue);
    if (why !== null) throw invalidField('/target/queue', why);
  }
}
