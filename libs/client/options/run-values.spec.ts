// Which values of options does the client refuse, and does it name the field?
import { expect, it } from 'vitest';
import { checkRunValues } from './run-values.js';

it.each<[string, Parameters<typeof checkRunValues>[0]]>([
  [
    'expected runs[3].runAt to be an instant of the years 1 to 9999, got an invalid Date',
    { runAt: new Date('x') },
  ],
  ['expected runs[3].deadline to be an instant of the years 1 to 9999, got', { deadline: new Date(8.64e15) }],
  ['expected runs[3].priority to be a whole number, got 1.5', { priority: 1.5 }],
  ['expected runs[3].queue to have no NUL characters', { queue: 'a\0' }],
  [
    'expected runs[3].unique.key to have no NUL characters or lone surrogates, got "\\ud83d"',
    { unique: { key: '\ud83d' } },
  ],
  ['expected runs[3].concurrencyKey to have no', { concurrencyKey: 'k\udc00' }],
  ['expected runs[3].tags[1] to have no', { tags: ['a', '\ud800b'] }],
])('%s', (message, options) => {
  expect(() => {
    checkRunValues(options, 'runs[3].');
  }).toThrow(message);
});

it.each<Parameters<typeof checkRunValues>[0]>([
  {},
  { runAt: new Date('9999-12-31T23:59:59.999Z'), deadline: new Date('0001-01-01T00:00:00.000Z') },
  { priority: -100, queue: 'mail', unique: { key: '😀' }, concurrencyKey: 'ä', tags: ['a'] },
])('takes %j', (options) => {
  expect(() => {
    checkRunValues(options);
  }).not.toThrow();
});
