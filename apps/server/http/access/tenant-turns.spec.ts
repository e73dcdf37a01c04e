// Do a tenant's changes go to the gate of its owner one after the other, and no other tenant's behind them?
import { expect, it } from 'vitest';
import { asId } from '#kernel/ids.js';
import { GateTurns } from './tenant-turns.js';
import { FREE_TURN } from './request-turns.js';

const acme = { id: asId.tenant('acme'), limits: { maxRequests: 3 } };
const bolt = { id: asId.tenant('bolt'), limits: {} };

it('begins when the one before has ended, however that ended, and refuses more than the tenant may send', async () => {
  const turns = new GateTurns();
  const first = Promise.withResolvers<void>();
  const begun: string[] = [];
  const act = (name: string, change = Promise.resolve()) =>
    turns.act(acme, FREE_TURN, () => (begun.push(name), change));
  const acting = [act('first', first.promise), act('second'), act('third')];
  await expect(act('fourth')).rejects.toMatchObject({
    type: 'quota-exceeded',
    message: expect.stringContaining('maxRequests'),
  });
  await turns.act(bolt, FREE_TURN, () => (begun.push("another tenant's"), Promise.resolve()));
  expect(begun).toEqual(['first', "another tenant's"]);
  first.reject(new Error('the owner hangs'));
  await Promise.allSettled(acting);
  expect(begun).toEqual(['first', "another tenant's", 'second', 'third']);
  await act('fifth');
  expect(begun.at(-1)).toBe('fifth');
});

it('lets the requests of the tenant go on while a change waits', async () => {
  const turns = new GateTurns();
  const first = Promise.withResolvers<void>();
  const acts: string[] = [];
  const turn = {
    ...FREE_TURN,
    away: async <Result>(wait: () => Promise<Result>) => {
      acts.push('away');
      const result = await wait();
      acts.push('back');
      return result;
    },
  };
  const begun = turns.act(acme, turn, () => first.promise);
  const waiting = turns.act(acme, turn, async () => void acts.push('changes'));
  expect(acts).toEqual(['away']);
  first.resolve();
  await Promise.all([begun, waiting]);
  expect(acts).toEqual(['away', 'back', 'changes']);
});
