// Does a mismatch tell what stands at its place, and nothing of what every object of JavaScript's has beside?
import { describe, expect, it } from 'vitest';
import { jsonPointer } from '#kernel/json/json-pointer.js';
import { fieldErrors } from './field-errors.js';

const got = (value: unknown, path: PropertyKey[]) =>
  fieldErrors([{ message: 'expected a value', path }], value, jsonPointer).map(({ detail }) => detail);

const INHERITED = [...Object.getOwnPropertyNames(Object.prototype), 'map', 'at', 'then', 'then.name'];

describe('what was got', () => {
  it.each(INHERITED)('at %s is nothing, unless it was sent', (name) => {
    for (const value of [{}, [], { a: 1 }, 'text', 5, null])
      expect(got(value, [name])).toEqual(['expected a value, got nothing']);
    expect(got({ a: [{}] }, ['a', 0, name, 'name'])).toEqual(['expected a value, got nothing']);
    const sent: unknown = JSON.parse(`{ ${JSON.stringify(name)}: { "a": 1 } }`);
    expect(got(sent, [name])).toEqual(['expected a value, got {"a":1}']);
  });

  it('is nothing where a list ends', () => {
    expect(got([1], [0])).toEqual(['expected a value, got 1']);
    expect(got([1], ['1'])).toEqual(['expected a value, got nothing']);
  });
});
