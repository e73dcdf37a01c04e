// Does one request to act on many runs go on, and end, when another is at the same runs? The batches are played.
import { expect, it } from 'vitest';
import { actInBatches, type Batch } from './bulk-act.js';

/** Each batch finds what was said, and ends that many of it. */
function played(...batches: { found: number; ended: number }[]): { act: Batch; asked: () => number } {
  let asked = 0;
  const act: Batch = () => Promise.resolve(batches[asked++] ?? batches.at(-1) ?? { found: 0, ended: 0 });
  return { act, asked: () => asked };
}

it('goes on behind a batch that another request took', async () => {
  const { act } = played({ found: 500, ended: 0 }, { found: 500, ended: 500 }, { found: 20, ended: 20 });
  expect(await actInBatches(act)).toMatchObject({ kind: 'done', ended: 520, isCutShort: false });
});

it('is done when another request took all that it had found', async () => {
  const { act } = played({ found: 500, ended: 0 }, { found: 0, ended: 0 });
  expect(await actInBatches(act)).toMatchObject({ kind: 'done', ended: 0, isCutShort: false });
});

it('says so when another request was always there first', async () => {
  const { act, asked } = played({ found: 500, ended: 0 });
  expect(await actInBatches(act)).toEqual({ kind: 'outrun' });
  expect(asked()).toBe(20);
});

it('stops after ten thousand runs, and says that there may be more', async () => {
  const { act, asked } = played({ found: 500, ended: 500 });
  expect(await actInBatches(act)).toMatchObject({ kind: 'done', ended: 10_000, isCutShort: true });
  expect(asked()).toBe(20);
});
