// Whose request to act on many runs is next? A tenant's requests act one after the other. Each batch of one holds off
// the claims of the tenant's owner, which serves other tenants as well, so a tenant must gain nothing by sending many
// requests at a time.
import { setTimeout as rest } from 'node:timers/promises';
import { systemClock } from '#database/runtime/system-clock.js';
import { inBatches, type Batch, type BulkDone } from '#execution/run-actions/in-batches.js';
import type { TenantId } from '#kernel/ids.js';
import { KeyTurns } from '#server/http/requests/key-turns.js';
import type { Turn } from '../access/request-turns.js';
import { ProblemError } from '../problems/problem.js';

/** For one tenant: the request that acts, and the ones that wait for it. */
const REQUESTS_MAX = 3;

export class BulkTurns {
  readonly #turns = new KeyTurns<TenantId>();

  /**
   * The tenant's other requests are served while this one waits and rests. Throws a problem when too many wait
   * already.
   */
  async act(tenantId: TenantId, turn: Turn, batch: Batch): Promise<BulkDone> {
    if (this.#turns.countOf(tenantId) === REQUESTS_MAX) throw tooMany();
    return this.#turns.act(tenantId, turn, async () => {
      const done = await inBatches(batch, {
        clock: systemClock,
        rest: (ms) => turn.away(() => rest(ms)),
      });
      if (done.kind === 'outrun') throw outrun();
      return done;
    });
  }
}

function outrun(): ProblemError {
  return new ProblemError(
    'request-in-progress',
    'expected no other request to act on the runs that match the filter, got one that reached all of them first; try again when it has been answered',
    { headers: { 'retry-after': '2' } },
  );
}

function tooMany(): ProblemError {
  return new ProblemError(
    'request-in-progress',
    `expected at most ${REQUESTS_MAX} requests of the tenant to act on many runs at a time, got one more; try again when one of them has been answered`,
    { headers: { 'retry-after': '5' } },
  );
}
