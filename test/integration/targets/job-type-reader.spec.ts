// Do runs that start together learn of their own job types, by one statement, even if one of those is spoilt?
import { sql } from 'kysely';
import { expect, it } from 'vitest';
import { JobTypeReader, SpoiltJobType } from '#execution/job-types/job-type-reader.js';
import { insertJobType, registerSharedJobType } from '#execution/job-types/job-type.repository.js';
import { DEFAULT_RETRY } from '#kernel/backoff.js';
import { useTestDatabase } from '../../support/test-database.js';
import { addTenant } from '../../support/rows.js';

const { db } = useTestDatabase();

const handledBy = (name: string, handler: string) => ({
  name,
  target: { kind: 'handler', handler } as const,
  retry: DEFAULT_RETRY,
  limits: {},
  timeoutMs: 1_000,
  payloadSchema: null,
});

it('answers each with its own, a shared one or none, and only the spoilt one with an error', async () => {
  const [ours, theirs] = [await addTenant(db, 'ours'), await addTenant(db, 'theirs')];
  await registerSharedJobType(db, handledBy('mail.send', 'shared'));
  await insertJobType(db, ours.id, handledBy('mail.send', 'own'));
  await insertJobType(db, ours.id, handledBy('spoilt', 'own'));
  await sql`update carillon.job_type set target = '{}' where name = 'spoilt'`.execute(db);
  const reader = new JobTypeReader();
  const asked = [
    { tenantId: theirs.id, name: 'mail.send' },
    { tenantId: ours.id, name: 'spoilt' },
    { tenantId: ours.id, name: 'mail.send' },
    { tenantId: ours.id, name: 'unknown' },
  ];
  const answers = await Promise.all(asked.map((each) => reader.find(db, each)));
  expect(
    answers.map(({ tenant, jobType }) => [
      tenant,
      jobType instanceof SpoiltJobType ? jobType.name : jobType?.target,
    ]),
  ).toEqual([
    ['theirs', { kind: 'handler', handler: 'shared' }],
    ['ours', 'SpoiltJobType'],
    ['ours', { kind: 'handler', handler: 'own' }],
    ['ours', undefined],
  ]);
});

it('asks once for all that ask in one turn, and again for the next', async () => {
  const { id: tenantId } = await addTenant(db);
  const statements: string[] = [];
  const watched = db.withPlugin({
    transformQuery: ({ node }) => node,
    transformResult: async ({ result }) => {
      statements.push('one');
      return result;
    },
  });
  const reader = new JobTypeReader();
  await Promise.all(['a', 'b', 'c'].map((name) => reader.find(watched, { tenantId, name })));
  expect(statements).toHaveLength(1);
  await reader.find(watched, { tenantId, name: 'a' });
  expect(statements).toHaveLength(2);
});
