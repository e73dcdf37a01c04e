// Are options of keys refused in the words of the API, before anything is written?
import { expect, it } from 'vitest';
import { checkKeyOptions } from './key-options-check.js';

const debounce = { key: 'k', delaySeconds: 5, maxDelaySeconds: 60 };

it.each<object>([
  {},
  { concurrencyKey: 'k', runAt: new Date(), unique: { key: 'u' } },
  { concurrencyKey: 'k', overlap: { mode: 'queue', max: 1_000 } },
  { concurrencyKey: 'k', overlap: { mode: 'allow' } },
  { concurrencyKey: 'k', order: 'strict', overlap: { mode: 'queue' } },
  { concurrencyKey: 'k', order: 'any', overlap: { mode: 'skip' } },
  { debounce },
  { debounce: { key: 'k', delaySeconds: 86_400, maxDelaySeconds: 86_400 }, concurrencyKey: 'k' },
])('takes %j', (options) => {
  expect(() => checkKeyOptions(options)).not.toThrow();
});

it.each<[object, string]>([
  [{ concurrencyKey: 'overlap/skip/k' }, 'expected concurrencyKey to have another form'],
  [
    { overlap: { mode: 'skip' } },
    'expected concurrencyKey to have 1 to 180 characters beside overlap, got nothing',
  ],
  [
    { concurrencyKey: 'k'.repeat(181), overlap: { mode: 'skip' } },
    'expected concurrencyKey to have 1 to 180',
  ],
  [{ order: 'strict' }, 'expected concurrencyKey to have 1 to 180 characters beside order, got nothing'],
  [{ concurrencyKey: 'k', order: 'first' }, 'expected order to be one of any, strict, got "first"'],
  [
    { concurrencyKey: 'k', order: 'strict', overlap: { mode: 'queue', max: 2 } },
    'expected overlap to be left out, or mode queue without max, beside order strict, got {"mode":"queue","max":2}',
  ],
  [{ concurrencyKey: 'k', overlap: 'skip' }, 'expected overlap to be an object, got "skip"'],
  [{ concurrencyKey: 'k', overlap: { mode: 'drop' } }, 'expected overlap.mode to be one of allow, skip'],
  [{ concurrencyKey: 'k', overlap: { mode: 'skip', max: 1 } }, 'expected overlap.max to be left out'],
  [{ concurrencyKey: 'k', overlap: { mode: 'queue', max: 0 } }, 'to be a whole number from 1 to 1000, got 0'],
  [{ concurrencyKey: 'k', overlap: { mod: 'skip' } }, 'expected no option overlap.mod; there are mode, max'],
  [
    { debounce: { ...debounce, key: '' } },
    'expected debounce.key to be a text of 1 to 200 characters, got ""',
  ],
  [
    { debounce: { ...debounce, delaySeconds: 0.9 } },
    'expected debounce.delaySeconds to be from 1 to 86400, got 0.9',
  ],
  [
    { debounce: { ...debounce, delaySeconds: '5' } },
    'expected debounce.delaySeconds to be from 1 to 86400, got "5"',
  ],
  [{ debounce: { ...debounce, maxDelaySeconds: 4 } }, 'to be from delaySeconds (5) to 604800, got 4'],
  [{ debounce, runAt: 5 }, 'expected runAt to be left out beside debounce, got 5'],
  [{ debounce, unique: {} }, 'expected unique to be left out beside debounce, got {}'],
])('refuses %j', (options, message) => {
  expect(() => checkKeyOptions(options)).toThrow(message);
});

it('names the place in a list', () => {
  expect(() => checkKeyOptions({ debounce: 5 }, 'runs[3].')).toThrow(
    'expected runs[3].debounce to be an object',
  );
});
