// Do tenants get running time by their weights, however long their runs take?
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asId, type TenantId } from '#kernel/ids.js';
import { TenantTurns } from './tenant-turns.js';

const [a, b, c] = ['a', 'b', 'c'].map(asId.tenant) as [TenantId, TenantId, TenantId];

/** One worker takes turns until so much time is used; every tenant always has more to do. */
function work(
  turns: TenantTurns,
  tenants: Map<TenantId, { tookMs: number; weight: number }>,
  untilMs: number,
) {
  const used = new Map<TenantId, number>();
  for (const tenantId of tenants.keys()) turns.enter(tenantId);
  for (let spentMs = 0; spentMs < untilMs;) {
    const tenantId = turns.take() as TenantId;
    const { tookMs, weight } = tenants.get(tenantId) ?? { tookMs: 1, weight: 1 };
    const charged = turns.charge(tenantId, weight);
    turns.enter(tenantId);
    turns.correct(tenantId, { charged, tookMs, weight });
    used.set(tenantId, (used.get(tenantId) ?? 0) + tookMs);
    spentMs += tookMs;
  }
  return used;
}

describe('turns', () => {
  it('share running time by weight, within one run of each', () => {
    const tenant = fc.record({
      tookMs: fc.integer({ min: 1, max: 500 }),
      weight: fc.integer({ min: 1, max: 20 }),
    });
    fc.assert(
      fc.property(tenant, tenant, (ofA, ofB) => {
        const used = work(
          new TenantTurns(),
          new Map([
            [a, ofA],
            [b, ofB],
          ]),
          50_000,
        );
        const apart = Math.abs((used.get(a) ?? 0) / ofA.weight - (used.get(b) ?? 0) / ofB.weight);
        expect(apart).toBeLessThanOrEqual(ofA.tookMs / ofA.weight + ofB.tookMs / ofB.weight + 1e-6);
      }),
    );
  });

  it('do not let a newcomer wait behind a flood', () => {
    const turns = new TenantTurns();
    work(
      turns,
      new Map([
        [a, { tookMs: 10, weight: 1 }],
        [b, { tookMs: 70, weight: 1 }],
      ]),
      10_000,
    );
    turns.enter(c);
    const order = [turns.take(), turns.take(), turns.take()];
    expect(order.indexOf(c)).toBeLessThanOrEqual(1);
  });

  it('give no credit for idling', () => {
    const turns = new TenantTurns();
    work(turns, new Map([[a, { tookMs: 10, weight: 1 }]]), 100);
    turns.take();
    work(turns, new Map([[b, { tookMs: 10, weight: 1 }]]), 10_000);
    const used = work(
      turns,
      new Map([
        [a, { tookMs: 10, weight: 1 }],
        [b, { tookMs: 10, weight: 1 }],
      ]),
      1_000,
    );
    expect(Math.abs((used.get(a) ?? 0) - (used.get(b) ?? 0))).toBeLessThanOrEqual(20);
  });

  it('cost nothing when the run did not start after all', () => {
    const turns = new TenantTurns();
    const tenants = new Map([a, b].map((tenantId) => [tenantId, { tookMs: 10, weight: 1 }]));
    for (let refused = 0; refused < 100; refused += 1) {
      turns.enter(a);
      turns.take();
      turns.refund(a, turns.charge(a, 1));
    }
    const used = work(turns, tenants, 1_000);
    expect(Math.abs((used.get(a) ?? 0) - (used.get(b) ?? 0))).toBeLessThanOrEqual(20);
  });

  it('forget tenants that were here once, and keep those that still owe', () => {
    const turns = new TenantTurns();
    for (let index = 0; index < 25_000; index += 1) {
      const tenantId = asId.tenant(`once ${index}`);
      turns.enter(tenantId);
      turns.take();
      turns.correct(tenantId, { charged: turns.charge(tenantId, 1), tookMs: 1, weight: 1 });
    }
    expect(turns.known).toBeLessThan(21_000);
  });
});
