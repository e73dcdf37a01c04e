// Starts an operation: the tenant may have only so many that have not ended, and the answer says where it is read.
import type { Response } from 'express';
import { inTransaction, type Tx } from '#database/connection.js';
import type { Operation } from '#operations/operation.repository.js';
import type { Tenant } from '#tenancy/tenant.repository.js';
import type { Writing } from '../access/idempotency.js';
import { requireRoom } from '../access/tenant-shares.js';
import { showOperation } from './operation.shapes.js';

/** The loop that has operations carried, where this replica has one. */
export const OPERATIONS = { name: 'operations' };

export interface Starting {
  tenant: Tenant;
  writing: Writing;
  response: Response;
  /** Has it carried soon. */
  wake: () => void;
}

/** Answers 202. */
export async function startOperation(
  { tenant, writing, response, wake }: Starting,
  insert: (tx: Tx) => Promise<Operation>,
) {
  const started = await inTransaction(writing.db, async (tx) => {
    await requireRoom(tx, tenant, { name: 'maxOperations' });
    return insert(tx);
  });
  response.status(202).setHeader('Location', `/api/v1/tenants/${tenant.name}/operations/${started.id}`);
  writing.afterwards(wake);
  return showOperation(started);
}
