// Is each holder of an old snapshot reported once and in time, and no other session?
import { describe, expect, it } from 'vitest';
import { judgeHorizon, NOTHING_HELD, type HorizonHolder } from './horizon-watch.js';

const session = (wish: Partial<HorizonHolder> = {}): HorizonHolder => ({
  kind: 'session',
  xmin: '700',
  pid: 42,
  application: 'report',
  user: 'analyst',
  state: 'idle in transaction',
  name: null,
  queryStartedAt: new Date(0),
  ageMs: 30_000,
  ...wish,
});
const slot = (xmin: string): HorizonHolder =>
  session({ kind: 'slot', pid: null, name: 'standby', ageMs: null, xmin });
const judge = (memory: typeof NOTHING_HELD, holders: HorizonHolder[], nowMs = 0) =>
  judgeHorizon({ memory, holders, nowMs, warnAfterMs: 30_000 });

describe('a held horizon', () => {
  it('is told from the age on that is set, once', () => {
    expect(judge(NOTHING_HELD, [session({ ageMs: 29_999 })]).held).toEqual([]);
    const { memory, held } = judge(NOTHING_HELD, [session()]);
    expect(held).toEqual([session()]);
    expect(judge(memory, [session({ ageMs: 60_000 })]).held).toEqual([]);
  });

  it('is told again when it is gone, as it was told before', () => {
    const { memory } = judge(NOTHING_HELD, [session()]);
    const after = judge(memory, []);
    expect(after.released).toEqual([session()]);
    expect(judge(after.memory, []).released).toEqual([]);
  });

  it('of the same session in another transaction is another one', () => {
    const { memory } = judge(NOTHING_HELD, [session()]);
    const { held, released } = judge(memory, [session({ xmin: '800' })]);
    expect([held.length, released.length]).toEqual([1, 1]);
  });

  it('of a slot counts from when it was first seen to stand still', () => {
    let { memory, held } = judge(NOTHING_HELD, [slot('700')], 1_000);
    expect(held).toEqual([]);
    ({ memory, held } = judge(memory, [slot('701')], 20_000));
    ({ memory, held } = judge(memory, [slot('701')], 49_999));
    expect(held).toEqual([]);
    ({ memory, held } = judge(memory, [slot('701')], 50_000));
    expect(held).toEqual([{ ...slot('701'), ageMs: 30_000 }]);
  });
});
