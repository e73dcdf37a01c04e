// Is a tenant a crowder when it has more than its share of a full pass, and only then?
import { expect, it } from 'vitest';
import { asId } from '#kernel/ids.js';
import { crowdersOf, partsOf } from './crowders.js';

const passOf = (counts: Record<string, number>) =>
  new Map(Object.entries(counts).map(([name, count]) => [asId.tenant(name), count]));

it.each([
  ['one among many', { large: 3_900, a: 50, b: 50 }, ['large']],
  ['one that fills the pass alone', { large: 4_000 }, ['large']],
  ['several that fill it together', { x: 2_000, y: 2_000 }, ['x', 'y']],
  ['twenty beside small ones', { ...twenty(200), a: 10, b: 10 }, Object.keys(twenty(200))],
])('finds %s', (_, counts, crowders) => {
  expect(crowdersOf(passOf(counts), 100)).toEqual(crowders);
});

it.each([
  ['that have little', { a: 99, b: 1 }],
  ['of an empty pass', {}],
])('finds none among tenants %s', (_, counts) => {
  expect(crowdersOf(passOf(counts), 100)).toEqual([]);
});

const crowd = (...names: string[]) => names.map((name) => asId.tenant(name));

it('deals a round in equal parts, one for each tenant', () => {
  expect(partsOf(crowd('x'), 2_000)).toEqual([{ tenants: ['x'], firesMax: 2_000 }]);
  expect(partsOf(crowd('x', 'y', 'z'), 2_000).map(({ firesMax }) => firesMax)).toEqual([666, 666, 666]);
  expect(partsOf([], 2_000)).toEqual([]);
});

it('leaves one part to all of a crowd that has more tenants than a round has parts', () => {
  const parts = partsOf(crowd('a', 'b', 'c', 'd', 'e'), 2_000);
  expect(parts.map(({ tenants }) => tenants)).toEqual([['a'], ['b'], ['c'], ['a', 'b', 'c', 'd', 'e']]);
  expect(parts.every(({ firesMax }) => firesMax === 500)).toBe(true);
});

function twenty(count: number): Record<string, number> {
  return Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`t${index}`, count]));
}
