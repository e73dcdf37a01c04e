// Which concurrency key do the runs of a schedule get, and is it read back as what was said?
import { expect, it } from 'vitest';
import { asId } from '#kernel/ids.js';
import { scheduleKey } from '#kernel/schedule-key.js';
import { readOverlap, writeRunOptions, type KeyParts, type RunsChange } from './stored-run-options.js';

const id = asId.schedule('0197a0c4-95b1-7c3e-8b7e-3f0d5a2c1e99');
const [allow, skip] = [{ mode: 'allow' }, { mode: 'skip' }] as const;
const locks = [{ name: 'books', mode: 'exclusive', permits: 1 }] as const;
const keyOf = (overlap: KeyParts['overlap']) => scheduleKey({ scheduleId: id, overlap });
const [own, skipping] = [keyOf(allow), keyOf(skip)];
const plain: KeyParts = { overlap: allow, concurrencyKey: null, locks: null };
const locked: KeyParts = { ...plain, locks };

const written = (change: RunsChange, current?: KeyParts) => writeRunOptions(id, change, current);

it.each<[string, RunsChange, KeyParts | undefined, string | null | undefined]>([
  ['none if it says nothing', {}, undefined, undefined],
  ['its own lane with locks', { locks }, undefined, own],
  ['the key that it names beside locks', { locks, concurrencyKey: 'k' }, undefined, 'k'],
  ['that of its policy beside locks', { locks, overlap: skip }, undefined, skipping],
  ['none with an empty list', { locks: [] }, undefined, null],
  ['its own lane once it gets locks', { locks }, plain, own],
  ['none once it has none', { locks: null }, locked, null],
  ['what is stored where nothing of it changes', { priority: 3 }, locked, undefined],
  ['the key of before when it gets locks', { locks }, { ...plain, concurrencyKey: 'k' }, 'k'],
  ['its own lane when its key goes', { concurrencyKey: null }, { ...locked, concurrencyKey: 'k' }, own],
  ['its own lane when its policy goes', { overlap: allow }, { ...locked, overlap: skip }, own],
  ['that of its policy when its locks go', { locks: null }, { ...locked, overlap: skip }, skipping],
  [
    'the key of before when its policy is said again',
    { overlap: allow },
    { ...plain, concurrencyKey: 'k' },
    'k',
  ],
])('%s', (_, change, current, key) => {
  expect(written(change, current).concurrency_key).toBe(key);
});

it('locks are stored as they are, and none as null', () => {
  expect(written({ locks }).locks).toBe(JSON.stringify(locks));
  expect(written({ locks: [] }).locks).toBeNull();
  expect(written({})).not.toHaveProperty('locks');
});

it('its own lane is read as no key, beside the default policy', () => {
  expect(readOverlap(own)).toEqual({ overlap: allow, concurrencyKey: null });
  expect(readOverlap('k')).toEqual({ overlap: allow, concurrencyKey: 'k' });
});
