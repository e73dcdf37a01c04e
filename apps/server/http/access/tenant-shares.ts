// How many requests may one tenant keep waiting or following? Each kind has a limit of its own, set with the tenant.
// They are counted in memory, since a statement for each would cost more than it protects; so each replica counts its
// own. Schedules and the like are counted in the database, before one is added.
import { Injectable } from '@nestjs/common';
import type { Tx } from '#database/connection.js';
import { shareOf, type ShareName, type TenantLimits } from '#execution/limits/limits.js';
import type { TenantId } from '#kernel/ids.js';
import type { Tenant } from '#tenancy/tenant.repository.js';
import { ProblemError } from '../problems/problem.js';
import { countAlone, deleteSpare, type CountedShare } from './tenant-counts.repository.js';

type HeldShare = 'maxWaits' | 'maxAcquires' | 'maxLockWaits' | 'maxLogStreams';

const MEANING: Readonly<Record<ShareName, string>> = {
  maxRequests: 'requests in this replica at once',
  maxWaits: 'requests in this replica that wait for the end of a run',
  maxAcquires: 'requests in this replica that wait for leases',
  maxLockWaits: 'requests in this replica that wait for locks',
  maxLogStreams: 'requests in this replica that follow logs',
  maxSchedules: 'schedules',
  maxJobTypes: 'job types',
  maxApiKeys: 'keys',
  maxWorkers: 'workers',
  maxPausedQueues: 'queues that are paused',
  maxOperations: 'operations that have not ended',
  maxLocks: 'holds of locks',
};

@Injectable()
export class TenantShares {
  readonly #held = new Map<`${TenantId}/${HeldShare}`, number>();

  /** Holds one place of the share until `act` has ended. Throws a problem when the tenant has no place left. */
  async whileHeld<Result>(tenant: Tenant, name: HeldShare, act: () => Promise<Result>): Promise<Result> {
    const giveBack = this.take(tenant, name);
    try {
      return await act();
    } finally {
      giveBack();
    }
  }

  /**
   * Takes one place of the share; the returned function gives it back, once. Throws a problem when the tenant has no
   * place left.
   */
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

/**
 * Throws a problem when the tenant has no room for `adds` more. Until the transaction ends no other request can add
 * any.
 */
export async function requireRoom(
  tx: Tx,
  tenant: Pick<Tenant, 'id' | 'limits'>,
  { name, adds = 1 }: { name: CountedShare; adds?: number },
): Promise<void> {
  if (adds === 0) return;
  const max = shareOfTenant(tenant, name);
  let current = await countAlone(tx, tenant.id, name);
  const over = current + adds - max;
  if (over > 0) current -= await deleteSpare(tx, tenant.id, { name, limit: over });
  if (current + adds > max) throw overShare(name, { max, current, retryAfterSeconds: null });
}

/** Carries Retry-After where waiting helps. */
export function overShare(
  name: ShareName,
  { max, current, retryAfterSeconds }: { max: number; current: number; retryAfterSeconds: number | null },
): ProblemError {
  const headers = retryAfterSeconds === null ? {} : { 'retry-after': String(retryAfterSeconds) };
  return new ProblemError(
    'quota-exceeded',
    `expected the tenant to have at most ${max} ${MEANING[name]} (${name}), got one more in addition to ${current}`,
    { limit: { name, max, current }, headers },
  );
}
