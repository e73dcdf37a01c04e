// Whose request to act on many runs is next? A tenant's own, one after the other: each batch of one holds off the claims of the
// tenant's owner, which serves other tenants as well, and a tenant that asks in many requests at a time is to gain nothing by it.
import { setTimeout as rest } from 'node:timers/promises';
import { systemClock } from '#database/runtime/system-clock.js';
import { actInBatches, type Batch, type BulkDone } from '#execution/run-actions/bulk-act.js';
import type { TenantId } from '#kernel/ids.js';
import type { Turn } from '../access/request-turns.js';
import { ProblemError } from '../problems/problem.js';

/** Of one tenant: a request that acts, and those that wait for it. */
const REQUESTS_MAX = 3;

interface Line {
  count: number;
  last: Promise<void>;
}

export class BulkTurns {
  readonly #lines = new Map<TenantId, Line>();

  /** While it waits and rests, the tenant's other requests are dealt with. Throws a problem when too many wait already. */
  async act(tenantId: TenantId, turn: Turn, batch: Batch): Promise<BulkDone> {
    const line = this.#lines.get(tenantId) ?? { count: 0, last: Promise.resolve() };
    if (line.count === REQUESTS_MAX) throw tooMany();
    this.#lines.set(tenantId, line);
    line.count += 1;
    const [before, ours] = [line.last, Promise.withResolvers<void>()];
    line.last = ours.promise;
    try {
      await turn.away(() => before);
      const done = await actInBatches(batch, {
        clock: systemClock,
        rest: (ms) => turn.away(() => rest(ms)),
      });
      if (done.kind === 'outrun') throw outrun();
      return done;
    } finally {
      ours.resolve();
      line.count -= 1;
      if (line.count === 0) this.#lines.delete(tenantId);
    }
  }
}

function outrun(): ProblemError {
  return new ProblemError(
    'request-in-progress',
    'expected no other request to act on the runs that match the filter, got one that was first at all of them; ask again when it has been answered',
    { headers: { 'retry-after': '2' } },
  );
}

function tooMany(): ProblemError {
  return new ProblemError(
    'request-in-progress',
    `expected at most ${REQUESTS_MAX} requests of the tenant to act on many runs at a time, got one more; ask again when one of them has been answered`,
    { headers: { 'retry-after': '5' } },
  );
}
