// Are the right days there, and do only the right ones go?
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planPartitions } from './partition-days.js';

const DAY_MS = 86_400_000;
const dayOf = (instant: Date): string => instant.toISOString().slice(0, 10);
const plan = ({ existing = [] as string[], now = '2026-11-21T08:00:00Z', retentionDays = 14 } = {}) =>
  planPartitions({ existing, now: new Date(now), retentionDays });

describe('day partitions', () => {
  it('are made for today and the week to come', () => {
    expect(plan().create.map(({ day }) => day)).toEqual([
      '2026-11-21',
      '2026-11-22',
      '2026-11-23',
      '2026-11-24',
      '2026-11-25',
      '2026-11-26',
      '2026-11-27',
      '2026-11-28',
    ]);
  });

  it('go from midnight to midnight, in UTC', () => {
    expect(plan({ now: '2026-03-29T23:59:59.999Z' }).create[0]).toEqual({
      day: '2026-03-29',
      from: new Date('2026-03-29T00:00:00Z'),
      to: new Date('2026-03-30T00:00:00Z'),
    });
    expect(plan({ now: '2026-03-30T00:00:00Z' }).create[0]?.day).toBe('2026-03-30');
  });

  it('that exist are not made again', () => {
    const existing = plan().create.map(({ day }) => day);
    expect(plan({ existing }).create).toEqual([]);
    expect(plan({ existing, now: '2026-11-22T00:00:00Z' }).create.map(({ day }) => day)).toEqual([
      '2026-11-29',
    ]);
    expect(plan({ existing: existing.filter((day) => day !== '2026-11-24') }).create).toHaveLength(1);
  });

  it('go when the whole day is past the retention, however late on the last day it is', () => {
    const existing = ['2026-10-01', '2026-11-06', '2026-11-07', '2026-11-08', '2026-11-21'];
    const { drop, keepFrom } = plan({ existing, now: '2026-11-21T23:59:59.999Z', retentionDays: 14 });
    expect(drop).toEqual(['2026-10-01', '2026-11-06']);
    expect(keepFrom).toEqual(new Date('2026-11-07T00:00:00Z'));
  });

  const situations = fc.record({
    now: fc.date({ min: new Date('2020-01-01'), max: new Date('2099-12-31'), noInvalidDate: true }),
    retentionDays: fc.integer({ min: 1, max: 3_650 }),
    existing: fc.uniqueArray(fc.integer({ min: -4_000, max: 30 }), { maxLength: 40 }),
  });

  it('hold every instant of the retention and of the week to come, and no day is both made and dropped', () => {
    fc.assert(
      fc.property(situations, ({ now, retentionDays, existing }) => {
        const days = existing.map((offset) => dayOf(new Date(now.getTime() + offset * DAY_MS)));
        const { create, drop, keepFrom } = planPartitions({ existing: days, now, retentionDays });
        const left = new Set([...days, ...create.map(({ day }) => day)].filter((day) => !drop.includes(day)));
        for (let ahead = 0; ahead <= 7; ahead += 1)
          expect(left).toContain(dayOf(new Date(now.getTime() + ahead * DAY_MS)));
        // A row is kept for its retention at least, and a day longer at most.
        expect(now.getTime() - keepFrom.getTime()).toBeGreaterThanOrEqual(retentionDays * DAY_MS);
        expect(now.getTime() - keepFrom.getTime()).toBeLessThan((retentionDays + 1) * DAY_MS);
        for (const day of days) expect(drop.includes(day)).toBe(new Date(`${day}T00:00:00Z`) < keepFrom);
      }),
    );
  });

  it('need nothing more once the plan was carried out', () => {
    fc.assert(
      fc.property(situations, ({ now, retentionDays, existing }) => {
        const days = existing.map((offset) => dayOf(new Date(now.getTime() + offset * DAY_MS)));
        const { create, drop } = planPartitions({ existing: days, now, retentionDays });
        const left = [...days, ...create.map(({ day }) => day)].filter((day) => !drop.includes(day));
        expect(planPartitions({ existing: left, now, retentionDays })).toMatchObject({
          create: [],
          drop: [],
        });
      }),
    );
  });
});
