// Which of the ends that wait takes the others with it, and when is that?
import { describe, expect, it } from 'vitest';
import { NO_RULES } from '#execution/limits/decisions/lane-rules.js';
import { LaneRulesBook } from '#execution/limits/lane-rules-book.js';
import { HeldRuns } from '#execution/held/held-runs.js';
import { claimedRun } from '#test/support/builders.js';
import { Lingering } from './lingering.js';
import type { Ending } from './settlement.js';

function scene() {
  const rules = new LaneRulesBook();
  const held = new HeldRuns({ held: 1_000, running: 100 }, rules);
  const membership = { isDraining: false };
  const at = { ms: 0, isServed: true };
  const clock = { monotonicMs: () => at.ms, now: () => new Date(at.ms) };
  const lingering = new Lingering({ membership, held, rules, clock, isServed: () => at.isServed });
  const end = (
    wish: Parameters<typeof claimedRun>[0] = {},
    transition: object = { kind: 'finish' },
  ): Ending => ({ run: claimedRun(wish), transition }) as Ending;
  // Ends that come each millisecond, until the next are expected soon.
  for (let n = 0; n < 200; n += 1) {
    at.ms += 1;
    lingering.noteEnd(end());
  }
  lingering.taken(true);
  return { lingering, rules, held, membership, at, end };
}

describe('ends that wait', () => {
  it('are due when the first of them may wait no longer, and wake no one before', () => {
    const { lingering, at, end } = scene();
    expect(lingering.noteEnd(end())).toBe(true); // whose pass learns how long it is to wait
    expect(lingering.leftMs()).toBe(20);
    at.ms += 5;
    expect(lingering.noteEnd(end())).toBe(false);
    expect(lingering.leftMs()).toBe(15);
    at.ms += 15;
    expect(lingering.leftMs()).toBe(0);
  });

  it('of fires wait for those of other runs, and not the other way round', () => {
    const { lingering, end } = scene();
    expect(lingering.noteStart()).toBe(true);
    const run = claimedRun();
    lingering.noteEnd(end({ ...run, scheduleId: 'schedule' as never }));
    expect(lingering.leftMs()).toBe(250);
    expect(lingering.noteEnd(end())).toBe(true);
    expect(lingering.leftMs()).toBe(20);
  });

  it('are due when they are a hundred', () => {
    const { lingering, end } = scene();
    for (let n = 1; n < 100; n += 1) lingering.noteEnd(end());
    expect(lingering.leftMs()).toBe(20);
    expect(lingering.noteEnd(end())).toBe(true);
    expect(lingering.leftMs()).toBe(0);
  });

  it('are due with one that may not wait', () => {
    const { lingering, end } = scene();
    lingering.noteEnd(end());
    expect(lingering.noteEnd(end({}, { kind: 'put-off', delayMs: 1 }))).toBe(true);
    expect(lingering.leftMs()).toBe(0);
  });

  it('are due when a caller comes for one of them, and no more once they are taken', () => {
    const { lingering, end } = scene();
    const run = claimedRun();
    lingering.noteEnd(end(run));
    const first = lingering.await(run.id);
    const second = lingering.await(run.id);
    expect(lingering.leftMs()).toBe(0);
    lingering.taken(true);
    first();
    expect([lingering.noteEnd(end(run)), lingering.leftMs()]).toEqual([true, 0]);
    lingering.taken(true);
    second();
    expect([lingering.noteEnd(end(run)), lingering.leftMs()]).toEqual([true, 20]);
  });

  it('wake the loop also if a caller came while none waited', () => {
    const { lingering, end } = scene();
    lingering.await(claimedRun().id);
    expect([lingering.noteEnd(end()), lingering.leftMs()]).toEqual([true, 20]);
  });

  it('are due for as long as callers wait elsewhere, or the replica drains', () => {
    const { lingering, at, end, membership } = scene();
    lingering.noteEnd(end());
    lingering.awaitElsewhere(at.ms + 10);
    expect([lingering.leftMs(), lingering.noteEnd(end())]).toEqual([0, true]);
    at.ms += 10;
    expect(lingering.leftMs()).toBe(10);
    membership.isDraining = true;
    expect([lingering.leftMs(), lingering.noteEnd(end())]).toEqual([0, true]);
  });

  it('are due where the slot is no longer served', () => {
    const { lingering, at, end } = scene();
    at.isServed = false;
    lingering.noteEnd(end());
    expect(lingering.leftMs()).toBe(0);
  });

  it('are due while the lane holds all that is worth holding', () => {
    const { lingering, rules, held, end } = scene();
    const run = claimedRun();
    rules.note(run, { ...NO_RULES, jobType: { maxConcurrent: 1 } });
    const others = Array.from({ length: 21 }, () => claimedRun({ tenantId: run.tenantId }));
    held.add([run, ...others], () => 0);
    const [first] = others;
    if (first !== undefined) held.forget(first);
    lingering.noteEnd(end(run));
    expect(lingering.leftMs()).toBe(20);
    held.add([claimedRun({ tenantId: run.tenantId })], () => 0);
    lingering.noteEnd(end(run));
    expect(lingering.leftMs()).toBe(0);
  });

  it('are due at once after a try that failed, and while a part of them is left', () => {
    const { lingering, end } = scene();
    lingering.noteEnd(end());
    lingering.taken(true);
    lingering.hurry();
    expect([lingering.leftMs(), lingering.noteEnd(end())]).toEqual([0, true]);
    lingering.taken(false);
    expect(lingering.leftMs()).toBe(0);
  });
});
