// Does each step have a turn of its own, and does a crowd make no other owner wait for more than one step?
import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { BodyTurns } from './body-turns.js';

describe('the steps of large bodies', () => {
  it('are done one in each turn of the event loop, and their owners take turns', async () => {
    const turns = new BodyTurns();
    const done: string[] = [];
    const step = async (owner: string) => {
      await turns.next(owner);
      done.push(owner);
    };
    const all = Promise.all(['a', 'a', 'a', 'b', 'b', 'c'].map(step));
    const counts: number[] = [];
    while (done.length < 6) {
      await nextTurn();
      counts.push(done.length);
    }
    await all;
    expect(done).toEqual(['a', 'b', 'c', 'a', 'b', 'a']);
    expect(counts.map((count, turn) => count - (counts[turn - 1] ?? 0)).filter((steps) => steps > 1)).toEqual(
      [],
    );
  });

  it('that come while others are done, or once all are done, have their turn as well', async () => {
    const turns = new BodyTurns();
    const again = async (left: number): Promise<number> => {
      await turns.next('a');
      return left === 0 ? 0 : again(left - 1);
    };
    expect(await Promise.all([again(5), again(2)])).toEqual([0, 0]);
    expect(await again(1)).toBe(0);
  });
});
