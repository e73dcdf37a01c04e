import { expect, it } from 'vitest';
import { secondsOfEvery } from './every-text.js';

it.each([
  ['@every 90s', 90],
  ['@every 1h30m', 5_400],
  [' @Every 5M ', 300],
  ['@every 1d2h3m4s', 93_784],
  ['@every 0s', 0],
])('%s is every %s seconds', (text, seconds) => {
  expect(secondsOfEvery(text)).toBe(seconds);
});

it.each([
  '@every',
  '@every 5',
  '@every 1.5h',
  '@every 500ms',
  '@every 5x',
  '@every 5m!',
  '@every -5m',
  '@every 5 m',
])('%s has no duration in whole seconds', (text) => {
  expect(secondsOfEvery(text)).toBeNaN();
});

it.each(['@daily', '* * * * *', '', '@everyday'])('"%s" is no interval', (text) => {
  expect(secondsOfEvery(text)).toBeNull();
});
