// Does one request to act on many runs go on, and end, when another is at the same runs? The batches are played.
import { expect, it } from 'vitest';
import { inBatches, type Batch } from './in-batches.js';

const PACE = { clock: { monotonicMs: () => 0 }, rest: () => Promise.resolve() };

/** Each batch finds what was said, and ends that many of it. */
function played(...batches: { found: number; ended: number }[]): { act: Batch; asked: () => number } {
  let asked = 0;
  const act: Batch = () => Promise.resolve(batches[asked++] ?? batches.at(-1) ?? { found: 0, ended: 0 });
  return { act, asked: () => asked };
}

it('goes on behind a batch that another request took', async () => {
  const { act } = played({ found: 500, ended: 0 }, { found: 500, ended: 500 }, { found: 20, ended: 20 });
  expect(await inBatches(act, PACE)).toMatchObject({ kind: 'done', ended: 520, isCutShort: false });
});

it('is done when another request took all that it had found', async () => {
  const { act } = played({ found: 500, ended: 0 }, { found: 0, ended: 0 });
  expect(await inBatches(act, PACE)).toMatchObject({ kind: 'done', ended: 0, isCutShort: false });
});

it('says so when another request was always there first', async () => {
  const { act, asked } = played({ found: 500, ended: 0 });
  expect(await inBatches(act, PACE)).toEqual({ kind: 'outrun' });
  expect(asked()).toBe(20);
});

it('stops after ten thousand runs, and says that there may be more', async () => {
  const { act, asked } = played({ found: 500, ended: 500 });
  expect(await inBatches(act, PACE)).toMatchObject({ kind: 'done', ended: 10_000, isCutShort: true });
  expect(asked()).toBe(20);
});

it('rests after each batch for twice as long as it took, and not after the last', async () => {
  let nowMs = 0;
  const took = [100, 30, 5];
  const found = [500, 500, 20];
  const act: Batch = () => {
    nowMs += took.shift() ?? 0;
    return Promise.resolve({ found: found.shift() ?? 0, ended: 1 });
  };
  const rests: number[] = [];
  const rest = (ms: number) => Promise.resolve(rests.push(ms));
  await inBatches(act, { clock: { monotonicMs: () => nowMs }, rest });
  expect(rests).toEqual([200, 60]);
});
