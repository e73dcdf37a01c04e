// Which runs take from their job type what becomes of their keys?
import { expect, it } from 'vitest';
import { asId } from '#kernel/ids.js';
import { effectiveDefaults, type KeyDefaults } from '#kernel/keys/key-overlap.js';
import { whyKeyUnfit, withKeyDefaults } from './key-defaults.js';
import type { WantedRun } from './wanted-run.js';

const STRICT = { keyDefaults: { order: 'strict' } } as const;
const run = (said: Partial<WantedRun> = {}): WantedRun => ({ jobType: 'j', payload: {}, ...said });

it('takes the defaults where a run names a key and says nothing beside it', () => {
  const keyed = run({ concurrencyKey: 'k' });
  expect(withKeyDefaults(keyed, STRICT)).toEqual({ ...keyed, order: 'strict' });
  expect(withKeyDefaults(keyed, { keyDefaults: null })).toEqual(keyed);
  expect(withKeyDefaults(keyed, null)).toEqual(keyed);
});

it.each<Partial<WantedRun>>([
  {},
  { concurrencyKey: 'k', order: 'any' },
  { concurrencyKey: 'k', scheduleId: asId.schedule('s') },
  { concurrencyKey: 'k', overlap: { mode: 'allow' } },
])('leaves %j as it is', (said) => {
  expect(withKeyDefaults(run(said), STRICT)).toEqual(run(said));
  expect(whyKeyUnfit({ ...said, concurrencyKey: 'k'.repeat(181) }, { keyDefaults: null })).toBeNull();
});

it('finds a key too long for what the job type says of it', () => {
  expect(whyKeyUnfit({ concurrencyKey: 'k'.repeat(181) }, STRICT)).toContain('got 181');
  expect(whyKeyUnfit({ concurrencyKey: 'k'.repeat(180) }, STRICT)).toBeNull();
  expect(whyKeyUnfit({ concurrencyKey: 'k'.repeat(181), order: 'any' }, STRICT)).toBeNull();
});

it.each<[KeyDefaults | null | undefined, KeyDefaults | null]>([
  [undefined, null],
  [null, null],
  [{}, null],
  [{ order: 'any', overlap: { mode: 'allow' } }, null],
  [{ order: 'any', overlap: { mode: 'skip' } }, { overlap: { mode: 'skip' } }],
  [{ overlap: { mode: 'queue', max: 3 } }, { overlap: { mode: 'queue', max: 3 } }],
  [{ order: 'strict' }, { order: 'strict' }],
])('of %j stores %j', (given, stored) => {
  expect(effectiveDefaults(given)).toEqual(stored);
});
