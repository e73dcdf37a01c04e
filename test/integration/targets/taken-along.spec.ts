// Are job types that are needed again and again read together, however far apart the instants are at which they are needed?
import { setImmediate as nextTurn } from 'node:timers/promises';
import { sql } from 'kysely';
import { beforeEach, expect, it } from 'vitest';
import type { Membership } from '#cluster/membership/membership.js';
import type { Clock } from '#kernel/clock.js';
import type { TenantId } from '#kernel/ids.js';
import { DEFAULT_RETRY } from '#kernel/backoff.js';
import { insertJobType } from '#execution/job-types/job-type.repository.js';
import type { ClaimedRun } from '#execution/runs/claimed-run.js';
import type { HandlerRegistry } from '#execution/targets/handler-registry.js';
import { Targets, type RemoteTargets } from '#execution/targets/targets.js';
import { addTenant } from '../../support/rows.js';
import { useTestDatabase } from '../../support/test-database.js';

const database = useTestDatabase();
let tenantId: TenantId;
let targets: Targets;
let nowMs: number;
let statements: number;
let isBroken: boolean;

beforeEach(async () => {
  [nowMs, statements, isBroken] = [0, 0, false];
  tenantId = (await addTenant(database.db)).id;
  for (const name of ['a', 'b', 'c'])
    await insertJobType(database.db, tenantId, {
      name,
      target: { kind: 'handler', handler: 'noop' },
      retry: DEFAULT_RETRY,
      limits: {},
      timeoutMs: 1_000,
      payloadSchema: null,
    });
  const db = database.db.withPlugin({
    transformQuery: ({ node }) => node,
    transformResult: async ({ result }) => {
      statements += 1;
      if (isBroken) throw new Error('the connection broke');
      return result;
    },
  });
  const membership = { incarnation: { db } } as unknown as Membership; // all that targets ask of it
  const clock = { monotonicMs: () => nowMs } as Clock;
  targets = new Targets(membership, {} as HandlerRegistry, {} as RemoteTargets, clock);
});

const resolve = (jobType: string) => targets.resolve({ tenantId, jobType } as ClaimedRun);

/** The job types are needed each second, ten milliseconds apart. */
async function tick(fromSecond: number, toSecond: number, names: readonly string[]): Promise<void> {
  for (let second = fromSecond; second < toSecond; second += 1)
    for (const [place, name] of names.entries()) {
      nowMs = second * 1_000 + place * 10;
      await resolve(name);
      await nextTurn();
    }
}

it('reads them once in five seconds, and not once for each', async () => {
  await tick(0, 5, ['a', 'b', 'c']);
  expect(statements).toBe(3);
  await tick(5, 20, ['a', 'b', 'c']);
  expect(statements).toBe(6);
});

it('sees a change of one that was taken along', async () => {
  await tick(0, 5, ['a', 'b']);
  await sql`update carillon.job_type set timeout_ms = 7 where name = 'b'`.execute(database.db);
  await tick(5, 6, ['a']);
  expect(resolve('b')).toMatchObject({ timeoutMs: 7 });
  expect(statements).toBe(3);
});

it('leaves those out that no run needed again', async () => {
  await tick(0, 1, ['c']);
  await tick(1, 6, ['a']);
  nowMs = 6_000;
  await resolve('a');
  expect(resolve('c')).toBeInstanceOf(Promise);
});

it('keeps what is known when the others could not be read', async () => {
  await tick(0, 2, ['a', 'b']);
  isBroken = true;
  nowMs = 3_000;
  await expect(resolve('c')).rejects.toThrow('the connection broke');
  expect(resolve('a')).toMatchObject({ timeoutMs: 1_000 });
  nowMs = 5_000;
  await expect(resolve('a')).rejects.toThrow('the connection broke');
});
