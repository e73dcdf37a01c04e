// Does a preview leave the event loop to others in time, end when it has taken too long, and say so?
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { ScheduleSpec } from '#scheduling/decisions/due-times.js';
import { Previews } from './preview.js';

const minutely: ScheduleSpec = { kind: 'cron', expression: '* * * * *', timeZone: 'UTC' };
const after = new Date('2026-01-01T00:00:00Z');

/** Each look at the clock takes so long, and so does each due time. */
function previewsWhere(lookMs: number): Previews {
  let nowMs = 0;
  return new Previews({ monotonicMs: () => (nowMs += lookMs), now: () => after });
}

it('finds as many as are asked for', async () => {
  const { dueTimes, isComplete } = await previewsWhere(0).previewOf(minutely, { after, count: 1_000 });
  expect(dueTimes.at(-1)).toMatchObject({ dueAt: new Date('2026-01-01T16:40:00Z') });
  expect(isComplete).toBe(true);
});

it('is complete when no more will come', async () => {
  const at = new Date('2026-01-02T00:00:00Z');
  const preview = await previewsWhere(0).previewOf({ kind: 'at', at }, { after, count: 10 });
  expect(preview).toMatchObject({ dueTimes: [{ dueAt: at }], isComplete: true });
});

it('ends with those that were found in half a second', async () => {
  const { dueTimes, isComplete } = await previewsWhere(5).previewOf(minutely, { after, count: 1_000 });
  expect(isComplete).toBe(false);
  expect(dueTimes.length).toBeGreaterThan(20);
  expect(dueTimes.length).toBeLessThan(200);
});

it('lets others act after each slice, and other previews find theirs in between', async () => {
  const previews = previewsWhere(5);
  const ended: string[] = [];
  const long = previews.previewOf(minutely, { after, count: 20 }).then(() => ended.push('long'));
  const short = previews.previewOf(minutely, { after, count: 1 }).then(() => ended.push('short'));
  await nextTurn();
  expect(ended).toEqual([]);
  await Promise.all([long, short]);
  expect(ended).toEqual(['short', 'long']);
});
