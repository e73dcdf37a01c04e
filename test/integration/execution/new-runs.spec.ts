// Are runs that are inserted together the same as those that are inserted one by one? The columns that none of them has are
// not sent, and what the first has is sent once, so any mixture of them is tried.
import fc from 'fast-check';
import { sql } from 'kysely';
import { expect, it } from 'vitest';
import { randomUUIDv7 } from '#database/runtime/uuid.js';
import { insertRun, type NewRun } from '#execution/intake/new-run.repository.js';
import { insertTogether } from '#execution/intake/new-runs.repository.js';
import { asId } from '#kernel/ids.js';
import { addTenant, newRunOf } from '../../support/rows.js';
import { useTestDatabase } from '../../support/test-database.js';

const { db } = useTestDatabase({ per: 'file' });

const hour = 3_600_000;
const text = fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme' });
/** Great numbers and texts that jsonb can't hold are refused before. */
const payload = fc.jsonValue().filter((value) => !/\\u0000|\\ud[89a-f]/.test(JSON.stringify(value)));
const date = fc.date({ min: new Date('2091-01-01'), max: new Date('2092-01-01'), noInvalidDate: true });
const given = fc.record(
  {
    payload,
    jobType: fc.constantFrom('noop', 'echo'),
    queue: fc.constantFrom('default', 'mail'),
    concurrencyKey: text,
    tags: fc.array(text, { maxLength: 3 }),
    priority: fc.integer({ min: -100, max: 100 }),
    deadline: date,
    runAt: date,
    delayMs: fc.constantFrom(0, hour),
    unique: fc.record({ key: text, windowMs: fc.option(fc.integer({ min: 1_000, max: 9_000_000 })) }),
  },
  { requiredKeys: ['payload'] },
) as fc.Arbitrary<Partial<NewRun>>; // options that are left out are left out

async function stored(ids: readonly string[]): Promise<unknown[]> {
  const { rows } = await sql<{ id: string; runAt: Date; createdAt: Date }>`
    select id, tenant_id, slot, job_type, lane, queue, concurrency_key, tags, payload::text, priority, deadline, unique_key, unique_window::text,
           run_at as "runAt", created_at as "createdAt"
      from carillon.run where id = any(${[...ids]}::uuid[])`.execute(db);
  const inOrder = rows.toSorted((a, b) => ids.indexOf(a.id) - ids.indexOf(b.id));
  return inOrder.map(({ id: _id, runAt, createdAt, ...run }) => {
    const inHours = Math.round((runAt.getTime() - createdAt.getTime()) / hour);
    return { ...run, runAt: inHours > 1 ? runAt : `in ${inHours} hours` };
  });
}

it('makes the same rows together as one by one', async () => {
  const tenant = await addTenant(db);
  await fc.assert(
    fc.asyncProperty(fc.array(given, { minLength: 1, maxLength: 8 }), async (wanted) => {
      const [alone = [], together = []] = [0, 1].map(() =>
        wanted.map((run) => newRunOf(tenant, { ...run, id: asId.run(randomUUIDv7()) })),
      );
      for (const run of alone) await insertRun(db, run);
      await insertTogether(db, together);
      expect(await stored(together.map(({ id }) => id))).toEqual(await stored(alone.map(({ id }) => id)));
    }),
    { numRuns: 100 },
  );
  await insertTogether(db, []);
});
