// Do the triggers on runs know a key with a strict order by the same pattern as the program? A user's own key may look
// alike, and a key may be as short or as long as can be.
import { sql } from 'kysely';
import { beforeAll, describe, expect, it } from 'vitest';
import { inTransaction } from '#database/connection.js';
import { randomUUIDv7 } from '#database/runtime/uuid.js';
import { isStrictLane } from '#execution/claiming/strict/strict-keys.js';
import { insertRun } from '#execution/intake/new-run.repository.js';
import { blockForPutOff } from '#execution/settling/key-block.repository.js';
import { finishRuns, retryRuns } from '#execution/settling/settlement.repository.js';
import { asId } from '#kernel/ids.js';
import { isStrictKey, OVERLAP_KEY_MAX, storedKeyOf } from '#kernel/keys/key-overlap.js';
import { useTestDatabase } from '../../support/test-database.js';

const { db } = useTestDatabase({ per: 'file' });
const tenantId = asId.tenant(randomUUIDv7());
const jobType = 'apply';

beforeAll(() =>
  sql`
    insert into carillon.tenant (id, name, display_name, slot) values (${tenantId}, 'initech', 'Initech', 7)`.execute(
    db,
  ),
);

async function queuedRun(concurrencyKey: string) {
  const id = asId.run(randomUUIDv7());
  const slot = asId.slot(7);
  const wish = { queue: 'default', priority: 0, payload: {}, runAt: null, deadline: null, tags: [] };
  await insertRun(db, { ...wish, id, tenantId, slot, jobType, concurrencyKey });
  return { id, attempt: 1 };
}

const tryAgain = (run: Awaited<ReturnType<typeof queuedRun>>) =>
  inTransaction(db, (tx) => retryRuns(tx, [{ ...run, delayMs: 0, isFailure: true, recordJson: '{}' }]));

const end = (run: Awaited<ReturnType<typeof queuedRun>>, outcome: 'succeeded' | 'failed') =>
  inTransaction(db, (tx) =>
    finishRuns(tx, {
      replica: asId.replica(1),
      attempt: run.attempt,
      runs: [{ ...run, outcome, startedAt: null, finishedAt: new Date(), outputJson: null, errorJson: null }],
    }),
  );

async function blockedBy({ id }: { id: string }): Promise<string[]> {
  const { rows } = await sql<{ key: string }>`
    select key from carillon.key_block where tenant_id = ${tenantId} and run_id = ${id}`.execute(db);
  return rows.map(({ key }) => key);
}

describe.each(['x', '/', '%', '_', '\n', '🔑', 'strict/x', 'overlap/strict/x', 'x'.repeat(OVERLAP_KEY_MAX)])(
  'a strict key %j',
  (key) => {
    const stored = storedKeyOf(key, undefined, 'strict');

    it('is the same in the program and in the database', async () => {
      const { rows } = await sql`select carillon.strict_key(${key}) as stored`.execute(db);
      expect(rows).toEqual([{ stored }]);
      expect(isStrictKey(stored)).toBe(true);
      expect(isStrictLane({ lane: `default/${jobType}/${stored}` })).toBe(true);
    });

    it('is blocked by a run that is to be tried again, until it succeeds', async () => {
      const run = await queuedRun(stored);
      expect(await blockedBy(run)).toEqual([]);
      await tryAgain(run);
      expect(await blockedBy(run)).toEqual([key]);
      await end({ ...run, attempt: 2 }, 'succeeded');
      expect(await blockedBy(run)).toEqual([]);
    });

    it('is blocked by one that was put off, and by one that has failed', async () => {
      const run = await queuedRun(stored);
      await inTransaction(db, (tx) => blockForPutOff(tx, [run.id]));
      expect(await blockedBy(run)).toEqual([key]);
      await end(run, 'failed');
      expect(await blockedBy(run)).toEqual([key]);
      await sql`delete from carillon.key_block where tenant_id = ${tenantId}`.execute(db);
    });
  },
);

describe.each([
  'x',
  'overlap/strict',
  'overlap/strict/',
  'overlap/strictly/x',
  'overlap/strict_/x',
  'overlap/strict%x',
  'overlap/queue/strict/x',
  'Overlap/strict/x',
  ' overlap/strict/x',
  'x/overlap/strict/x',
])("a user's key %j", (stored) => {
  it('is strict neither in the program nor in the database', async () => {
    expect(isStrictKey(stored)).toBe(false);
    expect(isStrictLane({ lane: `default/${jobType}/${stored}` })).toBe(false);
    const run = await queuedRun(stored);
    await inTransaction(db, (tx) => blockForPutOff(tx, [run.id]));
    await tryAgain(run);
    expect(await blockedBy(run)).toEqual([]);
    await end({ ...run, attempt: 2 }, 'failed');
    expect(await blockedBy(run)).toEqual([]);
  });
});
