// Does a due time fall on the same side of a suspension's ends here as in a statement, which compares microseconds?
import { expect, it } from 'vitest';
import { suspensionOf } from './stored-suspension.js';

const SECOND = 1_795_248_008_000;

it.each([
  ['a whole millisecond', SECOND, SECOND],
  ['one, as a double tells it', SECOND + 0.000_24, SECOND],
  ['one, as a double tells it from below', SECOND - 0.000_24, SECOND],
  ['a microsecond later', SECOND + 0.001, SECOND + 1],
  ['a microsecond earlier', SECOND - 0.001, SECOND],
])('begins and ends at the first millisecond that is not before %s', (_, ms, expected) => {
  expect(suspensionOf({ suspendedMs: ms, resumedMs: ms })).toEqual({
    from: new Date(expected),
    to: new Date(expected),
  });
});

it('is none without a beginning, and has no end until the tenant is resumed', () => {
  expect(suspensionOf({ suspendedMs: null, resumedMs: null })).toBeNull();
  expect(suspensionOf({ suspendedMs: SECOND, resumedMs: null })?.to).toBeNull();
});
