// Is a tenant a crowder when it has more than its share of a full pass, and only then?
import { expect, it } from 'vitest';
import { asId } from '#kernel/ids.js';
import { crowdersOf } from './crowders.js';

const passOf = (counts: Record<string, number>) =>
  new Map(Object.entries(counts).map(([name, count]) => [asId.tenant(name), count]));

it.each([
  ['one among many', { large: 3_900, a: 50, b: 50 }, ['large']],
  ['one that fills the pass alone', { large: 4_000 }, ['large']],
  ['several that fill it together', { x: 2_000, y: 2_000 }, ['x', 'y']],
  ['twenty beside small ones', { ...twenty(200), a: 10, b: 10 }, Object.keys(twenty(200))],
])('finds %s', (_, counts, crowders) => {
  expect(crowdersOf(passOf(counts))).toEqual(crowders);
});

it.each([
  ['that have little', { a: 99, b: 1 }],
  ['of an empty pass', {}],
])('finds none among tenants %s', (_, counts) => {
  expect(crowdersOf(passOf(counts))).toEqual([]);
});

function twenty(count: number): Record<string, number> {
  return Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`t${index}`, count]));
}
