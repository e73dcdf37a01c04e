// Does each act of a key happen when those before it have ended, in its own line alone, and without its request's turn?
import { expect, it } from 'vitest';
import { KeyTurns } from './key-turns.js';

const here = { away: <Result>(act: () => Promise<Result>) => act() };

it('begins the next of a key when the one before has ended, however it did, and those of another key at once', async () => {
  const turns = new KeyTurns<string>();
  const begun: string[] = [];
  const first = Promise.withResolvers<void>();
  const act = (key: string, name: string, ended = Promise.resolve()) =>
    turns.act(key, here, () => (begun.push(name), ended));
  const acting = [act('a', 'first', first.promise), act('a', 'second')];
  await act('b', 'other');
  expect([begun, turns.countOf('a')]).toEqual([['first', 'other'], 2]);
  first.reject(new Error('refused'));
  await Promise.allSettled(acting);
  expect([begun, turns.countOf('a'), turns.countOf('b')]).toEqual([['first', 'other', 'second'], 0, 0]);
  await act('a', 'third');
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
  const first = Promise.withResolvers<void>();
  const acting = [turns.act('a', turn, () => first.promise)];
  expect(acts).toEqual([]);
  acting.push(turns.act('a', turn, async () => void acts.push('acts')));
  expect(acts).toEqual(['away']);
  first.resolve();
  await Promise.all(acting);
  expect(acts).toEqual(['away', 'acts']);
});
