// Does what is held back keep nothing else waiting, and come back when it may?
import { describe, expect, it } from 'vitest';
import { asId } from '#kernel/ids.js';
import { claimedRun } from '#test/support/builders.js';
import type { ClaimedRun } from '#execution/runs/claimed-run.js';
import { NO_RULES, type LaneRules } from '#execution/limits/decisions/lane-rules.js';
import { HeldAccounts } from './held-accounts.js';
import type { HeldRun } from './held-run.js';
import { LaneRulesBook } from '#execution/limits/lane-rules-book.js';
import { Occupancy } from '#execution/limits/occupancy.js';
import { ReadyLanes } from './ready-lanes.js';

const tenantId = asId.tenant('tenant');
const accounts = new HeldAccounts();
let turns = 0;

function hold(wish: Partial<ClaimedRun> = {}): HeldRun {
  const run = claimedRun({ tenantId, ...wish });
  return {
    run,
    account: accounts.open(run),
    startAtMs: 0,
    turn: (turns += 1),
    state: 'waiting',
    begunAtMs: 0,
    charged: 0,
    isUnwanted: false,
  };
}

function lanesWith(share = Number.POSITIVE_INFINITY) {
  const [book, occupancy] = [new LaneRulesBook(), new Occupancy()];
  const slots = new Map([[asId.slot(0), 1]]);
  occupancy.setElsewhere([], slots);
  const ready = new ReadyLanes(book, occupancy, () => share);
  const rule = ({ run }: HeldRun, wish: Partial<LaneRules>): void =>
    book.note({ tenantId: run.tenantId, lane: run.lane }, { ...NO_RULES, ...wish });
  const take = (nowMs = 0): HeldRun | undefined => {
    const held = ready.take(nowMs);
    if (held !== undefined) occupancy.begin(held.run);
    return held;
  };
  const end = (held: HeldRun): void => {
    occupancy.end(held.run);
    ready.ended(held, 1);
  };
  return { ready, rule, take, end, occupancy, slots };
}

describe('a lane that is held back', () => {
  it('by its job type keeps no other lane waiting, and goes on when one of its runs ends', () => {
    const { ready, rule, take, end } = lanesWith();
    const [first, second, other] = [hold({ priority: 9 }), hold({ priority: 9 }), hold({ jobType: 'other' })];
    rule(first, { jobType: { maxConcurrent: 1 } });
    for (const held of [first, second, other]) ready.add(held);
    expect([take(), take(), take()]).toEqual([first, other, undefined]);
    expect(ready.nextAtMs()).toBe(Number.POSITIVE_INFINITY);
    end(first);
    expect(take()).toBe(second);
  });

  it('by its job type holds the other keys of it back, too, and by its key only itself', () => {
    const { ready, rule, take, end } = lanesWith();
    const [a, again, b, c] = ['a', 'a', 'b', 'c'].map((concurrencyKey) => hold({ concurrencyKey }));
    const held = [a, again, b, c] as [HeldRun, HeldRun, HeldRun, HeldRun];
    for (const each of held) rule(each, { jobType: { maxConcurrent: 2, maxConcurrentPerKey: 1 } });
    for (const each of held) ready.add(each);
    expect([take(), take(), take()]).toEqual([a, b, undefined]);
    end(held[2]);
    expect([take(), take()]).toEqual([c, undefined]);
    end(held[0]);
    expect(take()).toBe(again);
  });

  it('by its tenant leaves the others their turn', () => {
    const { ready, rule, take } = lanesWith();
    const [mine, more, theirs] = [hold(), hold(), hold({ tenantId: asId.tenant('other') })];
    rule(mine, { tenant: { maxConcurrent: 1 } });
    for (const held of [mine, more, theirs]) ready.add(held);
    expect([take(), take(), take()].filter((held) => held !== undefined)).toEqual(
      expect.arrayContaining([mine, theirs]),
    );
    expect(take()).toBeUndefined();
  });

  it('by a pause starts when it is looked at anew', () => {
    const { ready, rule, take } = lanesWith();
    const held = hold();
    rule(held, { paused: true });
    ready.add(held);
    expect([take(), ready.nextAtMs()]).toEqual([undefined, Number.POSITIVE_INFINITY]);
    rule(held, {});
    ready.reopenAll();
    expect(take()).toBe(held);
  });

  it('by a rate starts when its moment has come, which is told', () => {
    const { ready, take } = lanesWith();
    const [held, other] = [hold(), hold({ jobType: 'other' })];
    for (const each of [held, other]) ready.add(each);
    ready.closeUntil(held.run, 500);
    expect([take(), take(), ready.nextAtMs(), take(499)]).toEqual([other, undefined, 500, undefined]);
    expect(take(500)).toBe(held);
  });

  it('I7: because nobody counts its slot waits until somebody does; an unlimited one does not', () => {
    const { ready, rule, take, occupancy, slots } = lanesWith();
    const [limited, free] = [hold(), hold({ jobType: 'free' })];
    rule(limited, { jobType: { maxConcurrent: 5 } });
    for (const held of [limited, free]) ready.add(held);
    occupancy.keepOnly(new Map());
    expect([take(), take()]).toEqual([free, undefined]);
    occupancy.setElsewhere([], slots);
    ready.reopenAll();
    expect(take()).toBe(limited);
  });
});

describe('of one tenant', () => {
  it('the higher priority goes first over all lanes, and an older run before both after its minutes', () => {
    const { ready, take } = lanesWith();
    const late = new Date('2026-11-21T08:05:00.000Z');
    const [low, high, old] = [
      hold({ runAt: late }),
      hold({ runAt: late, priority: 3, jobType: 'other' }),
      hold({ runAt: new Date('2026-11-21T08:01:00.000Z'), jobType: 'third' }),
    ];
    for (const held of [low, high, old]) ready.add(held);
    expect([take(), take(), take()]).toEqual([old, high, low]);
  });

  it('no more start than its share, until something ends', () => {
    const { ready, take, end } = lanesWith(1);
    const [first, second] = [hold(), hold()];
    for (const held of [first, second]) ready.add(held);
    expect([take(), take(), ready.nextAtMs()]).toEqual([first, undefined, Number.POSITIVE_INFINITY]);
    end(first);
    expect(take()).toBe(second);
  });
});
