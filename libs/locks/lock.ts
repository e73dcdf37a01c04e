// A tenant's named lock, as its callers see it. `exclusive` shares it with no other hold, `shared` with shared ones, and
// `permits` takes some of those that a semaphore of that name has.
import type { TenantId } from '#kernel/ids.js';

export const LOCK_MODES = ['exclusive', 'shared', 'permits'] as const;
export type LockMode = (typeof LOCK_MODES)[number];

/** What a caller wants of one lock. */
export interface LockWish {
  name: string;
  mode: LockMode;
  /** 1, but for `permits`. */
  permits: number;
}

/** What a caller has got of it. */
export interface LockHold {
  name: string;
  /** Larger than that of every hold of this lock before. */
  token: number;
  /** By the server's clock; null for a run's hold, which lasts as long as its attempt. */
  expiresAt: Date | null;
}

/** A hold that its holder names, to renew or release it. */
export interface HoldRef {
  tenantId: TenantId;
  name: string;
  token: number;
}

/** In the order in which all callers take several locks, so that no two callers wait for each other. */
export function inOrder(wishes: readonly LockWish[]): LockWish[] {
  return wishes.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
