// Is a run that its insert has claimed the same as one that is inserted and then claimed: as its caller is shown it, as its
// owner holds it, and in the history?
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { insertAndShowRun, type NewRun } from '#execution/intake/new-run.repository.js';
import type { RunId } from '#kernel/ids.js';
import { addTenant, newRunOf } from '../../support/rows.js';
import { startLoneMember } from '../../support/test-member.js';
import { acmesJob } from '../../support/taking-in.js';
import { useTestDatabase } from '../../support/test-database.js';
import { startOwner } from '../../support/test-owner.js';

const database = useTestDatabase();
const { db } = database;

const RUNS = 25;
/** What no text of PostgreSQL can be: the API refuses it before. */
const UNFIT = /\\u0000|\\ud[89a-f]/;

const text = fc.string({ minLength: 1, maxLength: 20 }).filter((each) => !UNFIT.test(JSON.stringify(each)));
const wanted: fc.Arbitrary<Partial<NewRun>> = fc.record({
  payload: fc.jsonValue({ maxDepth: 3 }).filter((value) => !UNFIT.test(JSON.stringify(value))),
  queue: fc.constantFrom('default', 'mail'),
  concurrencyKey: fc.option(text, { nil: null }),
  tags: fc.array(text, { maxLength: 3 }),
  deadline: fc.option(
    fc.date({ min: new Date('2090-01-01'), max: new Date('2099-01-01'), noInvalidDate: true }),
    { nil: null },
  ),
});

/** Of each of the two alone. */
const OWN: readonly string[] = [
  'id',
  'claimId',
  'place',
  'runAt',
  'createdAt',
  'created_at',
  'run_at',
  'started_at',
  'finished_at',
];
const without = (row: object): object =>
  Object.fromEntries(Object.entries(row).filter(([name]) => !OWN.includes(name)));

it('a run that is taken in is the same as one that is inserted and claimed', async () => {
  await addTenant(db, 'acme');
  const owner = await startOwner(await startLoneMember(database.url));
  await owner.claimAll();
  const held = (id: RunId): object => without(owner.held.all().find(({ run }) => run.id === id)?.run ?? {});
  const ended = async (id: RunId): Promise<object> =>
    without(await db.selectFrom('run_history').selectAll().where('id', '=', id).executeTakeFirstOrThrow());
  const { tenant, job, proof } = await acmesJob(db);

  await fc.assert(
    fc.asyncProperty(wanted, async (run) => {
      const [plain, direct] = [newRunOf(tenant, run), newRunOf(tenant, run)];
      const assumed = { tenantId: tenant.id, jobType: 'noop', proof };
      const taken = await owner.takingIn.take(job, { run: direct, assumed });
      expect(taken?.isHeld).toBe(true);
      const row = await insertAndShowRun(db, plain, assumed);
      await owner.claimAll();
      expect(without(taken?.row ?? {})).toEqual(without(row ?? {}));
      expect(owner.held.size).toBe(2);
      expect(held(direct.id)).toEqual(held(plain.id));
      await owner.finish();
      expect(await ended(direct.id)).toEqual(await ended(plain.id));
    }),
    { numRuns: RUNS },
  );
});
