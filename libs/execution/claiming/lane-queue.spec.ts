// Does every lane get its turn, and none a second one before the others had their first?
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asId } from '#kernel/ids.js';
import { LaneQueue, type WaitingLane } from './lane-queue.js';

const after = { rankUs: 1, id: asId.run('00000000-0000-7000-8000-000000000001') };
const lane = (tenant: string, slot = 0): WaitingLane => ({
  tenantId: asId.tenant(tenant),
  slot: asId.slot(slot),
  lane: 'default/noop',
  after,
});
const any = (): boolean => true;
const tenants = (lanes: readonly WaitingLane[]): string[] => lanes.map(({ tenantId }) => tenantId);

function queueOf(...lanes: WaitingLane[]): LaneQueue {
  const queue = new LaneQueue();
  queue.add(lanes);
  return queue;
}

describe('lanes', () => {
  it('are served in the order in which scans found them, from their heads', () => {
    const queue = queueOf(lane('a'), lane('b'), lane('c'));
    const taken = queue.takeFresh(2, any);
    expect([tenants(taken), taken.map((each) => each.after)]).toEqual([
      ['a', 'b'],
      [null, null],
    ]);
    expect(tenants(queue.takeFresh(2, any))).toEqual(['c']);
    expect([tenants(queue.takeFresh(2, any)), queue.size]).toEqual([[], 0]);
  });

  it('keep their place when a scan finds them again, and are there once', () => {
    const queue = queueOf(lane('a'), lane('b'));
    queue.add([lane('b'), lane('a'), lane('c')]);
    expect([queue.size, tenants(queue.takeFresh(9, any))]).toEqual([3, ['a', 'b', 'c']]);
  });

  it('that resume go on behind the last place, apart from fresh ones', () => {
    const queue = queueOf(lane('a'), lane('b'));
    queue.takeFresh(1, any);
    queue.resume([lane('a')]);
    queue.add([lane('c')]);
    expect([queue.size, queue.resumed, queue.has(lane('a'))]).toEqual([3, 1, true]);
    expect(queue.takeResumed(9, any)).toEqual([lane('a')]);
    expect(tenants(queue.takeFresh(9, any))).toEqual(['b', 'c']);
  });

  it('that were taken and could not be served stay fresh, behind the others', () => {
    const queue = queueOf(lane('a'), lane('b'));
    queue.putBackFresh(queue.takeFresh(1, any));
    expect([queue.resumed, tenants(queue.takeFresh(9, any))]).toEqual([0, ['b', 'a']]);
  });

  it('that resume and are found again keep their turn, and begin at the head', () => {
    const queue = new LaneQueue();
    queue.resume([lane('a'), lane('b')]);
    queue.add([lane('b'), lane('a')]);
    expect([queue.size, tenants(queue.takeFresh(9, any))]).toEqual([2, []]);
    expect(queue.takeResumed(9, any)).toEqual([
      { ...lane('a'), after: null },
      { ...lane('b'), after: null },
    ]);
  });

  it('are forgotten with their slot, and the others keep their order', () => {
    const queue = queueOf(lane('a', 1), lane('b', 2), lane('c', 1), lane('d', 3));
    queue.resume([lane('e', 2), lane('f', 3)]);
    queue.keepOnly(new Set([1, 3].map(asId.slot)));
    expect([tenants(queue.takeFresh(9, any)), tenants(queue.takeResumed(9, any))]).toEqual([
      ['a', 'c', 'd'],
      ['f'],
    ]);
  });

  it('that always hold more are served alike: no two differ by more than one turn', () => {
    const names = fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(names, fc.array(fc.integer({ min: 1, max: 25 }), { maxLength: 40 }), (all, limits) => {
        const queue = new LaneQueue();
        queue.resume(all.map((name) => lane(name)));
        const turns = new Map(all.map((name) => [name, 0]));
        for (const limit of limits) {
          const taken = queue.takeResumed(limit, any);
          expect(taken).toHaveLength(Math.min(limit, all.length));
          for (const name of tenants(taken)) turns.set(name, (turns.get(name) ?? 0) + 1);
          queue.resume(taken);
        }
        expect(Math.max(...turns.values()) - Math.min(...turns.values())).toBeLessThanOrEqual(1);
      }),
    );
  });
});
