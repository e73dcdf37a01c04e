import { describe, expect, it } from 'vitest';
import { bestOf, figureTable, isKept, jsonRows, ratios, show, showSpread, spreadOf } from './figures.js';

describe('the spread of rounds', () => {
  it.each([
    { values: [3], spread: { median: 3, min: 3, max: 3 } },
    { values: [9, 1, 4], spread: { median: 4, min: 1, max: 9 } },
    { values: [10, 2, 4, 1], spread: { median: 3, min: 1, max: 10 } },
  ])('of $values', ({ values, spread }) => {
    expect(spreadOf(values)).toEqual(spread);
  });

  it('is unknown where nothing was measured', () => {
    expect(spreadOf([]).median).toBeNaN();
  });
});

describe('a comparison', () => {
  it('is made round by round, with the fastest of each', () => {
    const theirs = bestOf([
      [10, 40, 30],
      [20, 20, 30],
    ]);
    expect(theirs).toEqual([20, 40, 30]);
    expect(ratios([40, 40, 90], theirs)).toEqual([2, 1, 3]);
  });

  it('knows nothing of nobody', () => {
    expect(bestOf([])).toEqual([]);
    expect(ratios([1, 2], [])).toEqual([]);
  });
});

describe('a limit', () => {
  const figure = { name: 'a', what: 'A', unit: 'ms', values: [1, 2, 9] };

  it.each([
    { limit: { atLeast: 2 }, kept: true },
    { limit: { atLeast: 2.1 }, kept: false },
    { limit: { atMost: 2 }, kept: true },
    { limit: { atMost: 1.9 }, kept: false },
    { limit: undefined, kept: true },
  ])('$limit is kept by a median of 2: $kept', ({ limit, kept }) => {
    expect(isKept({ ...figure, ...(limit && { limit }) })).toBe(kept);
  });

  it('is missed by what could not be measured', () => {
    expect(isKept({ ...figure, values: [], limit: { atMost: 1 } })).toBe(false);
    expect(isKept({ ...figure, values: [Number.NaN], limit: { atLeast: 1 } })).toBe(false);
  });

  it('is shown beside the value, and written to the file', () => {
    const figures = [{ ...figure, limit: { atMost: 1 } }];
    expect(figureTable(figures).at(-1)).toMatch(/^A +2 \(1-9\) +ms +<= 1 +NO$/);
    expect(jsonRows(figures)).toEqual([
      { name: 'a', value: 2, min: 1, max: 9, unit: 'ms', limit: 1, ok: false },
    ]);
  });
});

describe('a number', () => {
  it.each([
    [12_345.6, '12,346'],
    [12.34, '12.3'],
    [1.234, '1.23'],
    [0, '0'],
    [Number.NaN, '-'],
  ])('%f is shown as %s', (value, shown) => {
    expect(show(value)).toBe(shown);
  });

  it('of one round has no spread', () => {
    expect(showSpread([5])).toBe('5');
    expect(showSpread([5, 7])).toBe('6 (5-7)');
  });
});
