// Who serves a tenant? As the ring's administrator sees it.
import { z } from 'zod';
import type { TestServer } from './test-server.js';
import { until } from './until.js';

const lookup = z.object({ slot: z.int(), ownerName: z.string().nullable(), target: z.int().nullable() });

/** Resolves with the owner's name once no slot is on its way to another replica. */
export async function ownerOf(
  { admin }: Pick<TestServer, 'admin'>,
  { name }: { name: string },
): Promise<string> {
  await until('the slots are where they belong', async () => {
    const { body } = await admin.get('/api/v1/cluster/ring').expect(200);
    const ring = body as { unowned: number; handingOver: number }; // the cluster's own tests check this answer's form
    return ring.unowned + ring.handingOver === 0;
  });
  const { body } = await admin.get(`/api/v1/cluster/ring:lookup?tenant=${name}`).expect(200);
  return lookup.parse(body).ownerName ?? '';
}
