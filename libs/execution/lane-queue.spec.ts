// Does every lane get its turn, and none a second one before the others had their first?
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asId } from '#kernel/ids.js';
import type { Lane } from './claim.repository.js';
import { LaneQueue } from './lane-queue.js';

const lane = (tenant: string, slot = 0): Lane => ({
  tenantId: asId.tenant(tenant),
  slot: asId.slot(slot),
  lane: 'default/noop',
});
const tenants = (lanes: readonly Lane[]): string[] => lanes.map(({ tenantId }) => tenantId);

function queueOf(...lanes: Lane[]): LaneQueue {
  const queue = new LaneQueue();
  queue.add(lanes);
  return queue;
}

describe('lanes', () => {
  it('are served in the order in which they came', () => {
    const queue = queueOf(lane('a'), lane('b'), lane('c'));
    expect(tenants(queue.take(2))).toEqual(['a', 'b']);
    expect(tenants(queue.take(2))).toEqual(['c']);
    expect([tenants(queue.take(2)), queue.size]).toEqual([[], 0]);
  });

  it('keep their place when they are found again, and are there once', () => {
    const queue = queueOf(lane('a'), lane('b'));
    queue.add([lane('b'), lane('a'), lane('c')]);
    expect([queue.size, tenants(queue.take(9))]).toEqual([3, ['a', 'b', 'c']]);
  });

  it('go to the back when they may hold more', () => {
    const queue = queueOf(lane('a'), lane('b'), lane('c'));
    queue.add(queue.take(1));
    expect(tenants(queue.take(9))).toEqual(['b', 'c', 'a']);
  });

  it('are forgotten with their slot, and the others keep their order', () => {
    const queue = queueOf(lane('a', 1), lane('b', 2), lane('c', 1), lane('d', 3));
    queue.keepOnly(new Set([1, 3].map(asId.slot)));
    expect(tenants(queue.take(9))).toEqual(['a', 'c', 'd']);
  });

  it('that always hold more are served alike: no two differ by more than one turn', () => {
    const names = fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(names, fc.array(fc.integer({ min: 1, max: 25 }), { maxLength: 40 }), (all, limits) => {
        const queue = queueOf(...all.map((name) => lane(name)));
        const turns = new Map(all.map((name) => [name, 0]));
        for (const limit of limits) {
          const taken = queue.take(limit);
          expect(taken).toHaveLength(Math.min(limit, all.length));
          for (const name of tenants(taken)) turns.set(name, (turns.get(name) ?? 0) + 1);
          queue.add(taken);
        }
        expect(Math.max(...turns.values()) - Math.min(...turns.values())).toBeLessThanOrEqual(1);
      }),
    );
  });
});
