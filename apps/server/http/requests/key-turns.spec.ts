// Is it an act's turn when those before it have left, in its own line alone?
import { expect, it } from 'vitest';
import { KeyTurns } from './key-turns.js';

it('calls the next of a key when the one before has left, and those of another key at once', async () => {
  const turns = new KeyTurns<string>();
  const called: string[] = [];
  const join = (key: string, name: string) => {
    const place = turns.join(key);
    void place.isNext.then(() => called.push(name));
    return place;
  };
  const [first, second, other] = [join('a', 'first'), join('a', 'second'), join('b', 'other')];
  await other.isNext;
  expect([called, turns.countOf('a')]).toEqual([['first', 'other'], 2]);
  first.leave();
  await second.isNext;
  second.leave();
  other.leave();
  expect([called, turns.countOf('a'), turns.countOf('b')]).toEqual([['first', 'other', 'second'], 0, 0]);
  await turns.join('a').isNext;
});
