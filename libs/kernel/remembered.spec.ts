import { describe, expect, it } from 'vitest';
import { Remembered } from './remembered.js';

describe('a bounded memory', () => {
  const filled = (): Remembered<string, number> => {
    const memory = new Remembered<string, number>({ max: 3 });
    for (const [index, key] of ['a', 'b', 'c'].entries()) memory.set(key, index);
    return memory;
  };
  const known = (memory: Remembered<string, number>, keys: string): string =>
    keys
      .split('')
      .filter((key) => memory.has(key))
      .join('');

  it('forgets what came first, and nothing else, when one more comes', () => {
    const memory = filled();
    memory.set('d', 3);
    expect(known(memory, 'abcd')).toBe('bcd');
  });

  it('forgets nothing for a key that it knows', () => {
    const memory = filled();
    memory.set('b', 7);
    expect([known(memory, 'abc'), memory.get('b')]).toEqual(['abc', 7]);
  });

  it('has room again for what was deleted', () => {
    const memory = filled();
    memory.delete('c');
    memory.set('d', 3);
    expect(known(memory, 'abcd')).toBe('abd');
  });

  it('knows nothing after it was cleared', () => {
    const memory = filled();
    memory.clear();
    expect([memory.size, memory.get('a')]).toEqual([0, undefined]);
  });
});
