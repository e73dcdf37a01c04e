// Are the runs that are on their way known by lane and by tenant, and forgotten when they have come?
import { expect, it } from 'vitest';
import { asId } from '#kernel/ids.js';
import { EnteringRuns } from './entering-runs.js';

const [tenantId, other] = [asId.tenant('t'), asId.tenant('u')];
const lane = 'default/noop';
const run = (id: string, of = tenantId, name = lane) => ({ tenantId: of, lane: name, id: asId.run(id) });

it('runs that enter are counted and named until they are removed, each once', () => {
  const entering = new EnteringRuns();
  for (const each of [run('a'), run('b'), run('c', tenantId, 'aside/noop'), run('d', other)])
    entering.add(each);
  expect([entering.size, entering.ofTenant(tenantId), entering.ofLane(run('a'))]).toEqual([4, 3, 2]);
  expect(entering.idsIn([run('a'), run('d', other)])).toEqual(['a', 'b', 'd']);
  for (let times = 2; times > 0; times -= 1) entering.remove(run('a'));
  entering.remove(run('d', other));
  expect([entering.size, entering.ofTenant(tenantId), entering.ofTenant(other)]).toEqual([2, 2, 0]);
  expect(entering.idsIn([run('a'), run('d', other)])).toEqual(['b']);
});
