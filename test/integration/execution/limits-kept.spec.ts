// Do limits hold where several replicas start runs (I7), and is nothing lost on the way to a start?
import { describe, expect, it } from 'vitest';
import { sql } from 'kysely';
import { systemClock } from '#database/runtime/system-clock.js';
import { LaneRulesBook } from '#execution/limits/lane-rules-book.js';
import { NO_RULES } from '#execution/limits/decisions/lane-rules.js';
import { HeldRuns } from '#execution/held/held-runs.js';
import type { HeldRun } from '#execution/held/held-run.js';
import { RateLimiter } from '#execution/limits/rate-limiter.js';
import { claimedRun } from '../../support/builders.js';
import { addRuns, addTenant } from '../../support/rows.js';
import { history } from '../../support/run-rows.js';
import { useTestDatabase } from '../../support/test-database.js';
import { startLoneMember, startMember, type TestMember } from '../../support/test-member.js';
import { startOwner } from '../../support/test-owner.js';
import { until } from '../../support/until.js';

const database = useTestDatabase();
const { db } = database;

describe('a rate', () => {
  const rate = { count: 3, perSeconds: 3_600 };

  /** Runs of two job types, as one replica holds them. */
  function holding(
    { membership }: TestMember,
    tenantId: Awaited<ReturnType<typeof addTenant>>['id'],
    jobTypes: readonly string[],
  ) {
    const rules = new LaneRulesBook();
    const held = new HeldRuns({ held: 100, running: 100 }, rules);
    for (const jobType of ['a', 'b'])
      rules.note(
        { tenantId, lane: `default/${jobType}` },
        { ...NO_RULES, tenant: { rate }, jobType: jobType === 'a' ? { rate: { ...rate, count: 1 } } : {} },
      );
    held.add(
      jobTypes.map((jobType) => claimedRun({ tenantId, jobType })),
      () => 0,
    );
    return { gate: new RateLimiter(membership, rules, systemClock), runs: held.takeDue(0) };
  }
  const admitted = async (
    member: TestMember,
    gate: RateLimiter,
    runs: readonly HeldRun[],
  ): Promise<string[]> =>
    ((await gate.admit(member.self(), runs))?.admitted ?? []).map(({ run }) => run.jobType);

  it('I7: is kept by two replicas together', async () => {
    const members = [
      await startMember(database.url, { name: 'one' }),
      await startMember(database.url, { name: 'two' }),
    ];
    const tenant = await addTenant(db);
    const starts = await Promise.all(
      members.map((member) => {
        const { gate, runs } = holding(member, tenant.id, ['b', 'b']);
        return admitted(member, gate, runs);
      }),
    );
    expect(starts.flat().length).toBeLessThanOrEqual(3);
    expect(starts.flat().length).toBeGreaterThanOrEqual(2);
  });

  it('of a job type wastes no token of its tenant', async () => {
    const member = await startMember(database.url);
    const tenant = await addTenant(db);
    const { gate, runs } = holding(member, tenant.id, ['a', 'a', 'a', 'a', 'b', 'b', 'b']);
    expect(await admitted(member, gate, runs)).toEqual(['a', 'b', 'b']);
  });

  it('loses the tokens of a start that came too late', async () => {
    const member = await startMember(database.url);
    const tenant = await addTenant(db);
    const { runs } = holding(member, tenant.id, ['b']);
    const rules = new LaneRulesBook();
    rules.note(
      { tenantId: tenant.id, lane: 'default/b' },
      { ...NO_RULES, tenant: { rate: { ...rate, count: 1 } } },
    );
    let nowMs = 0;
    const gate = new RateLimiter(member.membership, rules, {
      ...systemClock,
      monotonicMs: () => (nowMs += 600),
    });
    expect(await admitted(member, gate, runs)).toEqual([]);
    const { rows } =
      await sql`select spent_until > clock_timestamp() as spent from carillon.rate_bucket`.execute(db);
    expect(rows).toEqual([{ spent: true }]);
  });
});

describe('a run that waits for tokens', () => {
  it('is tried again when another one could not start', async () => {
    const member = await startLoneMember(database.url);
    const owner = await startOwner(member, { handlers: { metered: () => null } });
    const tenant = await addTenant(db);
    await sql`update carillon.job_type set limits = '{"rate": {"count": 5, "perSeconds": 1}}' where name = 'metered'`.execute(
      db,
    );
    await addRuns(db, tenant, 1, { jobType: 'metered' });
    const [lostBefore] = await addRuns(db, tenant, 1);
    await sql`update carillon.run set losses = 1 where id = ${lostBefore}`.execute(db);
    await owner.claimAll();
    await sql`alter table carillon.cluster_event rename to elsewhere`.execute(db);
    await expect(owner.start.runOnce()).rejects.toThrow('cluster_event');
    await sql`alter table carillon.elsewhere rename to cluster_event`.execute(db);
    expect(owner.held.running).toBe(0);
    await owner.finish();
  });
});

describe('a former owner', () => {
  it('I7: starts nothing more of what is limited, and gives it back', async () => {
    const member = await startLoneMember(database.url);
    const owner = await startOwner(member, { handlers: { narrow: () => null } });
    await sql`update carillon.job_type set limits = '{"maxConcurrent": 1}' where name = 'narrow'`.execute(db);
    const tenant = await addTenant(db);
    await addRuns(db, tenant, 2, { jobType: 'narrow' });
    const [free] = await addRuns(db, tenant, 1);
    await owner.claimAll();
    const unserved: string[] = [];
    owner.claim.paused.subscribe((lanes) => unserved.push(...lanes.map(({ lane }) => lane)));
    await sql`update carillon.slot_owner set owner = ${member.self().replica + 1}, epoch = epoch + 1`.execute(
      db,
    );
    await member.ownership.runOnce();
    expect(unserved).toEqual(['default/narrow']);
    const due = owner.held.takeDue(systemClock.monotonicMs()).map(({ run }) => run.id);
    expect(due).toEqual([free]);
    await owner.settleLoop.runOnce();
    expect(owner.held.all().map(({ run }) => run.id)).toEqual([free]);
  });
});

describe('a job type whose limit holds back thousands of its lanes', () => {
  it("leaves room for its tenant's other job types", async () => {
    const member = await startLoneMember(database.url);
    const owner = await startOwner(member, {
      handlers: { one: () => new Promise(() => undefined) },
      limits: { held: 100, running: 10 },
      limitsOf: { one: { maxConcurrent: 1 } },
    });
    const tenant = await addTenant(db);
    for (let key = 0; key < 60; key += 1)
      await addRuns(db, tenant, 3, { jobType: 'one', concurrencyKey: `k${key}` });
    await owner.claimAll();
    await owner.start.runOnce();
    expect(owner.held.running).toBe(1);
    const [id] = await addRuns(db, tenant, 1, { jobType: 'noop' });
    await owner.claimAll();
    await owner.start.runOnce();
    await until('the other job type has run', async () => {
      await owner.settleLoop.runOnce();
      return (await history(db)).length > 0;
    });
    expect(await history(db)).toMatchObject([{ id, outcome: 'succeeded' }]);
  });
});
