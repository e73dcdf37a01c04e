// Do held runs start in their order, each once, and within their bounds?
import { describe, expect, it } from 'vitest';
import { asId, type RunId, type TenantId } from '#kernel/ids.js';
import { claimedRun } from '#test/support/builders.js';
import type { ClaimedRun } from '#execution/runs/claimed-run.js';
import type { HeldRun } from './held-run.js';
import { HeldRuns } from './held-runs.js';

const limits = { held: 12, running: 3 };
const tenants = ['tenant a', 'tenant b', 'tenant c'].map(asId.tenant);

/** Holds runs of one claim, due at these moments. */
function holding(...startAtMs: number[]) {
  const held = new HeldRuns(limits);
  const claimId = asId.claim('claim 1');
  const runs = startAtMs.map(() => claimedRun({ claimId }));
  held.add(runs, (run) => startAtMs[runs.indexOf(run)] ?? 0);
  return { held, runs, claimId };
}
const ids = (taken: readonly HeldRun[]): RunId[] => taken.map(({ run }) => run.id);

describe('held runs', () => {
  it('start when they are due, the soonest first, and not a moment before (I6)', () => {
    const { held, runs } = holding(300, 100, 200);
    expect(held.nextStartAtMs()).toBe(100);
    expect(held.takeDue(99)).toEqual([]);
    expect(ids(held.takeDue(200))).toEqual([runs[1]?.id, runs[2]?.id]);
    expect(held.nextStartAtMs()).toBe(300);
  });

  it('start once', () => {
    const { held } = holding(100);
    expect(held.takeDue(100)).toHaveLength(1);
    expect(held.takeDue(100)).toEqual([]);
  });

  it('wait while as many run as may run at once, and go on when one has ended', () => {
    const { held } = holding(100, 101, 102, 103);
    const running = held.takeDue(1_000);
    expect([running.length, held.running, held.nextStartAtMs()]).toEqual([3, 3, null]);
    held.markEnded(running[0] as HeldRun);
    expect([held.running, held.nextStartAtMs()]).toEqual([2, Number.NEGATIVE_INFINITY]);
    expect(held.takeDue(1_000)).toHaveLength(1);
  });

  it('that are due at the same moment start in the order in which they were claimed', () => {
    const { held, runs } = holding(100, 100, 100);
    expect(ids(held.takeDue(100))).toEqual(runs.map(({ id }) => id));
  });

  it('of one tenant start by priority, and tenants take turns', () => {
    const held = new HeldRuns({ held: 12, running: 4 });
    const [big, small] = tenants as [TenantId, TenantId];
    const [low, high, other] = [
      claimedRun({ tenantId: big }),
      claimedRun({ tenantId: big, priority: 9 }),
      claimedRun({ tenantId: small }),
    ];
    held.add([low, high, claimedRun({ tenantId: big }), other], () => 100);
    expect(ids(held.takeDue(100)).slice(0, 3)).toEqual([high.id, other.id, low.id]);
  });

  it('take room until their end is written, not only while they run', () => {
    const { held, runs } = holding(100, 100);
    expect(held.room()).toBe(limits.held - 2);
    for (const running of held.takeDue(100)) held.markEnded(running);
    expect(held.room()).toBe(limits.held - 2);
    held.forget(runs[0] as ClaimedRun);
    expect(held.room()).toBe(limits.held - 1);
  });

  it('that end after everything was dropped change nothing', () => {
    const { held } = holding(100);
    const [late] = held.takeDue(100);
    held.clear();
    held.markEnded(late as HeldRun);
    expect(held.running).toBe(0);
  });

  it('leave their claim one by one, each once', () => {
    const { held, runs, claimId } = holding(100, 100);
    const [first, second] = runs;
    const left = [first, first, second, second].map((run) => {
      held.forget(run as ClaimedRun);
      return held.leftInClaim(claimId);
    });
    expect(left).toEqual([1, 1, 0, 0]);
  });
});

describe('a run that was lost in two deaths', () => {
  /** Suspects and others, all due. */
  function holdingLosses(...losses: number[]) {
    const held = new HeldRuns(limits);
    const runs = losses.map((count) => claimedRun({ losses: count }));
    held.add(runs, () => 100);
    return { held, runs };
  }

  it('runs beside others, but never beside another of its kind', () => {
    const { held, runs } = holdingLosses(2, 5, 1, 0);
    const first = held.takeDue(100);
    expect(ids(first)).toEqual([runs[0], runs[2], runs[3]].map((run) => run?.id));
    expect(held.takeDue(100)).toEqual([]);
    held.markEnded(first[1] as HeldRun);
    expect([held.nextStartAtMs(), held.takeDue(100)]).toEqual([null, []]);
    held.markEnded(first[0] as HeldRun);
    expect(ids(held.takeDue(100))).toEqual([runs[1]?.id]);
  });

  it('takes a place like any other', () => {
    const { held } = holdingLosses(0, 0, 0, 2);
    held.takeDue(100);
    expect(held.running).toBe(limits.running);
  });
});
