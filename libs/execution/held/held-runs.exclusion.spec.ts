// Does a claim leave out what is held, and no more than it must?
import { describe, expect, it } from 'vitest';
import { asId } from '#kernel/ids.js';
import { claimedRun } from '#test/support/builders.js';
import type { ClaimedRun } from '#execution/runs/claimed-run.js';
import { HeldRuns } from './held-runs.js';

const tenantId = asId.tenant('tenant');
const runOf = (wish: Partial<ClaimedRun> = {}) => claimedRun({ tenantId, ...wish });
const place = (rankUs: number, run: ClaimedRun) => ({ rankUs, id: run.id });

/** Two runs of a lane, taken together. */
function holdingTwo() {
  const held = new HeldRuns({ held: 10, running: 10 });
  const [first, second] = [runOf(), runOf()];
  held.add([first, second], () => 0);
  return { held, first, second };
}

describe('a claim that begins', () => {
  it('at the head of a lane leaves out all that is held of it, and of no other', () => {
    const { held, first, second } = holdingTwo();
    held.add([runOf({ lane: 'default/other', jobType: 'other' })], () => 0);
    expect(held.idsBehind([{ ...first, after: null }])).toEqual([first.id, second.id]);
  });

  it('behind the last that was taken leaves out nothing', () => {
    const { held, first, second } = holdingTwo();
    held.noteFurthest(second, place(20, second));
    expect(held.idsBehind([{ ...first, after: place(20, second) }])).toEqual([]);
  });

  it('behind one that came later, before the others, leaves out those', () => {
    const { held, first, second } = holdingTwo();
    held.noteFurthest(second, place(20, second));
    held.noteFurthest(first, place(10, first));
    expect(held.idsBehind([{ ...first, after: place(10, first) }])).toEqual([first.id, second.id]);
  });

  it('anywhere leaves out nothing once nothing is held', () => {
    const { held, first, second } = holdingTwo();
    held.noteFurthest(second, place(20, second));
    for (const run of [first, second]) held.forget(run);
    expect(held.idsBehind([{ ...first, after: null }])).toEqual([]);
    expect(held.ofLane(first)).toBe(0);
  });
});

describe('a run that was put back and taken again before we heard that it was put back', () => {
  it('is held for its new claim, and counted for each until that one is forgotten', () => {
    const held = new HeldRuns({ held: 10, running: 10 });
    const before = runOf();
    held.add([before], () => 0);
    for (const taken of held.takeDue(1)) held.markEnded(taken);
    const again = runOf({ id: before.id, attempt: 2 });
    held.add([again], () => 0);
    expect(held.ofLane(again)).toBe(2);
    for (const time of [1, 2]) {
      held.forget(before);
      expect(held.leftInClaim(before.claimId), `forgotten ${time} times`).toBe(0);
    }
    expect([held.all().map(({ run }) => run), held.ofLane(again), held.leftInClaim(again.claimId)]).toEqual([
      [again],
      1,
      1,
    ]);
    held.forget(again);
    expect([held.leftInClaim(again.claimId), held.size, held.ofLane(again)]).toEqual([0, 0, 0]);
  });
});
