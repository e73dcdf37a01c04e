// How does a worker get leases? It names itself and its request. Repeating a request id returns the same leases, so a
// lost answer strands no run. Two such requests at once wait for each other at the worker's row.
import { inTransaction, type Database } from '#database/connection.js';
import { takenByRequest, takeOffers, type LeaseRequest, type TakenLease } from './lease.repository.js';
import { beatWorker } from './worker.repository.js';

export type Acquisition =
  | { kind: 'leases'; leases: TakenLease[] }
  /** The worker was asked to take nothing more. */
  | { kind: 'quiet' }
  | { kind: 'unknown-worker' }
  /** The request id is that of another request, whose leases are still held. */
  | { kind: 'other-request' };

export async function acquireLeases(db: Database, request: LeaseRequest): Promise<Acquisition> {
  const { tenantId, worker } = request;
  return inTransaction(db, async (tx): Promise<Acquisition> => {
    const state = await beatWorker(tx, { tenantId, id: worker });
    if (state === undefined) return { kind: 'unknown-worker' };
    const held = await takenByRequest(tx, request);
    if (held === 'other') return { kind: 'other-request' };
    if (held.length > 0) return { kind: 'leases', leases: held };
    if (state !== 'run') return { kind: 'quiet' };
    return { kind: 'leases', leases: await takeOffers(tx, request) };
  });
}
