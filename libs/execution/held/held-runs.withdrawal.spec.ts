// Is a run that was taken back never started, and everything else as if it had not been there?
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { claimedRun } from '#test/support/builders.js';
import type { HeldRun } from './held-run.js';
import { HeldRuns } from './held-runs.js';

const hold = (held: HeldRuns, wish: Parameters<typeof claimedRun>[0] = {}): HeldRun => {
  const run = claimedRun(wish);
  held.add([run], () => 0);
  const found = held.all().find((each) => each.run === run);
  if (found === undefined) throw new Error('expected the run to be held');
  return found;
};

describe('a run that is withdrawn', () => {
  it('is not started, and leaves its place to the next', () => {
    const held = new HeldRuns({ held: 10, running: 1 });
    const [first, second] = [hold(held), hold(held)];
    expect(held.withdraw(first)).toBe(true);
    expect(held.takeDue(1)).toEqual([second]);
    expect([held.running, held.nextStartAtMs()]).toEqual([1, null]);
  });

  it('is withdrawn once, and not after it has started', () => {
    const held = new HeldRuns({ held: 10, running: 10 });
    const waiting = hold(held);
    expect([held.withdraw(waiting), held.withdraw(waiting)]).toEqual([true, false]);
    const started = hold(held);
    held.takeDue(1);
    expect(held.withdraw(started)).toBe(false);
  });

  it('makes room only when its end is written', () => {
    const held = new HeldRuns({ held: 1, running: 1 });
    const waiting = hold(held);
    held.withdraw(waiting);
    held.markEnded(waiting);
    expect([held.room(), held.running]).toEqual([0, 0]);
    held.forget(waiting.run);
    expect([held.room(), held.leftInClaim(waiting.run.claimId)]).toEqual([1, 0]);
  });

  it('does not block the quarantine that it waited for', () => {
    const held = new HeldRuns({ held: 10, running: 10 });
    const [first, second] = [hold(held, { losses: 2 }), hold(held, { losses: 2 })];
    held.withdraw(first);
    expect(held.takeDue(1)).toEqual([second]);
  });

  it('is neither started nor given back, whichever runs are withdrawn when', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ isLost: fc.boolean(), isWithdrawn: fc.boolean(), isSeenFirst: fc.boolean() })),
        fc.integer({ min: 1, max: 5 }),
        (wishes, running) => {
          const held = new HeldRuns({ held: 1_000, running });
          const runs = wishes.map((wish) => ({ ...wish, run: hold(held, { losses: wish.isLost ? 2 : 0 }) }));
          const withdrawn = new Set<HeldRun>();
          const withdraw = (when: boolean) => {
            for (const { run, isWithdrawn, isSeenFirst } of runs)
              if (isWithdrawn && isSeenFirst === when && held.withdraw(run)) withdrawn.add(run);
          };
          withdraw(false);
          const started = held.takeDue(1); // moves the others to the ready ones
          withdraw(true);
          for (const run of started) held.markEnded(run);
          started.push(...held.takeDue(2));
          const back = held.takeWaiting();
          expect([...started, ...back].filter((run) => withdrawn.has(run))).toEqual([]);
          expect(new Set([...started, ...back, ...withdrawn]).size).toBe(runs.length);
        },
      ),
    );
  });
});
