// Do a tenant's requests to act on many runs come one after the other, and no other tenant's behind them?
import { expect, it } from 'vitest';
import { asId } from '#kernel/ids.js';
import { FREE_TURN } from '../access/request-turns.js';
import { BulkTurns } from './bulk-turns.js';

const [acme, bolt] = [asId.tenant('acme'), asId.tenant('bolt')];
const done = { found: 0, ended: 0 };

it('begins when the one before has ended, however that ended, and refuses a fourth', async () => {
  const turns = new BulkTurns();
  const first = Promise.withResolvers<typeof done>();
  const begun: string[] = [];
  const act = (name: string, batch = Promise.resolve(done)) =>
    turns.act(acme, FREE_TURN, () => (begun.push(name), batch));
  const acting = [act('first', first.promise), act('second'), act('third')];
  await expect(act('fourth')).rejects.toThrow('expected at most 3 requests of the tenant');
  await turns.act(bolt, FREE_TURN, () => (begun.push("another tenant's"), Promise.resolve(done)));
  expect(begun).toEqual(['first', "another tenant's"]);
  first.reject(new Error('the database is gone'));
  await Promise.allSettled(acting);
  expect(begun).toEqual(['first', "another tenant's", 'second', 'third']);
  await act('fifth');
  expect(begun.at(-1)).toBe('fifth');
});
