// Is it an act's turn when those before it have left, in its own line alone?
import { expect, it } from 'vitest';
import { KeyTurns } from './key-turns.js';

const here = { away: <Result>(act: () => Promise<Result>) => act() };

it('calls the next of a key when the one before has left, and those of another key at once', async () => {
  const turns = new KeyTurns<string>();
  const called: string[] = [];
  const join = (key: string, name: string) => {
    const place = turns.join(key);
    void place.untilNext(here).then(() => called.push(name));
    return place;
  };
  const [first, second, other] = [join('a', 'first'), join('a', 'second'), join('b', 'other')];
  await other.untilNext(here);
  expect([called, turns.countOf('a')]).toEqual([['first', 'other'], 2]);
  first.leave();
  await second.untilNext(here);
  second.leave();
  other.leave();
  expect([called, turns.countOf('a'), turns.countOf('b')]).toEqual([['first', 'other', 'second'], 0, 0]);
  await turns.join('a').untilNext(here);
});

it('waits without the turn of its request, as long as there is something to wait for', async () => {
  const turns = new KeyTurns<string>();
  const acts: string[] = [];
  const turn = {
    away: async <Result>(act: () => Promise<Result>) => {
      acts.push('away');
      return act();
    },
  };
  const [first, second] = [turns.join('a'), turns.join('a')];
  await first.untilNext(turn);
  expect(acts).toEqual([]);
  const waiting = second.untilNext(turn);
  expect(acts).toEqual(['away']);
  first.leave();
  await waiting;
});
