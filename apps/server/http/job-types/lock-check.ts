// Can the locks that a job type or a schedule names be had at all? One that wants permits of a semaphore that is not there,
// or has fewer, is refused when it is written; what becomes of the semaphore later is met when a run asks.
import type { Database } from '#database/connection.js';
import { misfitOf } from '#locks/acquiring.js';
import type { LockWish } from '#locks/lock.js';
import type { Tenant } from '#tenancy/tenant.repository.js';
import { invalidField } from '../problems/problem.js';

/** `pointer`: of the list. Throws a problem that names the wish. */
export async function requireSemaphores(
  db: Database,
  { id: tenantId }: Pick<Tenant, 'id'>,
  { locks: given, pointer }: { locks: readonly LockWish[] | null | undefined; pointer: string },
): Promise<void> {
  const locks = given ?? [];
  const misfit = await misfitOf(db, { tenantId, wishes: locks });
  if (misfit === null) return;
  const { name } = misfit;
  const index = locks.findIndex((wish) => wish.name === name);
  if (misfit.kind === 'no-semaphore')
    throw invalidField(
      `${pointer}/${index}/mode`,
      `expected permits of a semaphore, got those of ${name}, which is none`,
    );
  throw invalidField(
    `${pointer}/${index}/permits`,
    `expected at most the ${misfit.permits} of ${name}, got ${locks[index]?.permits}`,
  );
}
