// Could the rows of different slots lie on different servers? As far as each statement says whose rows it wants. This
// keeps the list true from which docs/SCALING.md draws its conclusions: a statement that is changed is looked at again.
import { describe, expect, it } from 'vitest';
import { namedKeys, type NamedKey } from './named-keys.js';
import { sentStatements } from './sent-statements.js';
import { cases } from './statement-cases.js';

describe('each statement says whose rows it wants', () => {
  it.each(Object.entries(cases))('%s', async (_, { act, names }) => {
    const [text, ...more] = await sentStatements(act);
    expect(more).toEqual([]);
    expect(namedKeys(text ?? '')).toEqual(names);
  });
});

it('is so of a few in full, and of most in nothing', () => {
  const kinds = Object.groupBy(Object.values(cases), ({ names }) => {
    const keys = new Set(Object.values(names));
    if (keys.has('neither')) return keys.size === 1 ? 'nothing' : 'a part';
    return [...keys].some((key) => key.endsWith('joined')) ? 'all, by a join' : 'all';
  });
  const counts = Object.fromEntries(Object.entries(kinds).map(([kind, { length }]) => [kind, length]));
  expect(counts).toEqual({ all: 8, 'all, by a join': 2, 'a part': 13, nothing: 26 });
});

describe('what a statement says is read from its text', () => {
  it.each<[string, Record<string, NamedKey>]>([
    ['select 1 from carillon.run where slot = $1', { run: 'slot, given' }],
    ['select 1 from "carillon"."run" as "r" where "r"."slot" = any($1::smallint[])', { run: 'slot, given' }],
    ['select 1 from carillon.run where slot = (select 1)', { run: 'slot, given' }],
    ['select 1 from carillon.run r join x on r.slot = x.slot', { run: 'slot, joined' }],
    ['select 1 from carillon.run r join x on x.slot = $1', { run: 'neither' }],
    ['select 1 from carillon.run where id = $1 and (slot = $2 or $3)', { run: 'neither' }],
    [
      'delete from carillon.lease l using carillon.run r where l.tenant_id = $1',
      { lease: 'tenant, given', run: 'neither' },
    ],
    [
      'insert into carillon.run (id, slot) select 1 from carillon.run',
      { 'new run': 'slot, given', run: 'neither' },
    ],
    ['update a set b = 1 from c, carillon.run r where r.slot = c.slot', { run: 'slot, joined' }],
    [
      'select 1 from carillon.claim union all select 1 from carillon.lease where slot = $1',
      { claim: 'neither', lease: 'slot, given' },
    ],
    [
      "select 1 from lane cross join lateral carillon.due_runs(\n lane.slot, lane.tenant_id, '/') r",
      { run: 'slot, joined' },
    ],
    ['select 1 from carillon.slot_owner where slot = $1', {}],
  ])('%s', (text, names) => {
    expect(namedKeys(text)).toEqual(names);
  });
});
