// What does a test need of operations? It reads one until it is where the test wants it.
import type { Response } from 'supertest';
import type { z } from 'zod';
import { operation } from '#server/http/operations/operation.shapes.js';
import type { TestTenant } from './test-tenant.js';
import { until } from './until.js';

export type ShownOperation = z.output<typeof operation>;

/** From the answer of a request that has started it. */
export function startedOperation({ path }: TestTenant, response: Response): ShownOperation {
  if (response.status !== 202) throw new Error(`expected 202, got ${response.status}: ${response.text}`);
  const started = operation.parse(response.body);
  const { location } = response.headers;
  if (location !== `${path}/operations/${started.id}`)
    throw new Error(`expected the place of the operation, got ${location}`);
  return started;
}

export async function readOperation(
  { api, path }: TestTenant,
  { id }: Pick<ShownOperation, 'id'>,
): Promise<ShownOperation> {
  return operation.parse((await api.get(`${path}/operations/${id}`).expect(200)).body);
}

export async function endedOperation(
  tenant: TestTenant,
  started: Pick<ShownOperation, 'id'>,
): Promise<ShownOperation> {
  return until('the operation has ended', async () => {
    const read = await readOperation(tenant, started);
    return read.endedAt !== null && read;
  });
}
