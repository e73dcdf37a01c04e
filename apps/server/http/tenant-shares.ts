// How much of a replica may one tenant hold? So many requests that wait or follow, each kind by itself, as its limits say. They
// are counted in memory, since a statement for each would cost more than what it guards; so each replica counts its own.
import { Injectable } from '@nestjs/common';
import { shareOf, type ShareName, type TenantLimits } from '#execution/limits.js';
import type { TenantId } from '#kernel/ids.js';
import type { Tenant } from '#tenancy/tenant.repository.js';
import { ProblemError } from './problem.js';

type HeldShare = 'maxWaits' | 'maxAcquires' | 'maxLogStreams';

const MEANING: Readonly<Record<ShareName, string>> = {
  maxRequests: 'requests in this replica at once',
  maxWaits: 'requests in this replica that wait for the end of a run',
  maxAcquires: 'requests in this replica that wait for leases',
  maxLogStreams: 'requests in this replica that follow logs',
};

@Injectable()
export class TenantShares {
  readonly #held = new Map<`${TenantId}/${HeldShare}`, number>();

  /** Resolves when what it does is done; the share is held so long. Throws a problem when the tenant has no more. */
  async whileHeld<Result>(tenant: Tenant, name: HeldShare, act: () => Promise<Result>): Promise<Result> {
    const giveBack = this.take(tenant, name);
    try {
      return await act();
    } finally {
      giveBack();
    }
  }

  /** Returns the function that gives it back, once. Throws a problem when the tenant has no more. */
  take(tenant: Pick<Tenant, 'id' | 'limits'>, name: HeldShare): () => void {
    const key = `${tenant.id}/${name}` as const;
    const held = this.#held.get(key) ?? 0;
    const max = shareOfTenant(tenant, name);
    if (held >= max) throw overShare(name, { max, current: held, retryAfterSeconds: 5 });
    this.#held.set(key, held + 1);
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      const left = (this.#held.get(key) ?? 1) - 1;
      if (left === 0) this.#held.delete(key);
      else this.#held.set(key, left);
    };
  }
}

export function shareOfTenant({ limits }: Pick<Tenant, 'limits'>, name: ShareName): number {
  const checked: TenantLimits = limits; // checked when they were set
  return shareOf(checked, name);
}

export function overShare(
  name: ShareName,
  { max, current, retryAfterSeconds }: { max: number; current: number; retryAfterSeconds: number },
): ProblemError {
  const headers = { 'retry-after': String(retryAfterSeconds) };
  return new ProblemError(
    'quota-exceeded',
    `expected the tenant to have at most ${max} ${MEANING[name]} (${name}), got one more beside ${current}`,
    { limit: { name, max, current }, headers },
  );
}
