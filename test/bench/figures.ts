// What was found, and is it enough? A figure has one value for each round; its median counts, and how far the rounds
// lie apart is told with it. Some have a limit to keep.
import { textTable } from '../chaos/text-table.js';

export type Limit = { readonly atLeast: number } | { readonly atMost: number };

export interface Figure {
  /** In the JSON file. */
  readonly name: string;
  readonly what: string;
  /** One for each round. */
  readonly values: readonly number[];
  readonly unit: string;
  readonly limit?: Limit;
}

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** NaN where nothing was measured. Of an even number the mean of the two in the middle. */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const at = (index: number): number => sorted[index] ?? Number.NaN;
  return {
    median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2,
    min: at(0),
    max: at(sorted.length - 1),
  };
}

/** Round by round, since the two sides of a round were measured close to each other. */
export function ratios(ours: readonly number[], theirs: readonly number[]): number[] {
  return ours.slice(0, theirs.length).map((value, round) => value / (theirs[round] ?? Number.NaN));
}

/** The greatest in each round. */
export function bestOf(series: readonly (readonly number[])[]): number[] {
  const rounds = Math.min(...series.map((values) => values.length));
  if (!Number.isFinite(rounds)) return [];
  return Array.from({ length: rounds }, (_, round) =>
    Math.max(...series.map((values) => values[round] ?? Number.NaN)),
  );
}

export function isKept({ values, limit }: Figure): boolean {
  if (limit === undefined) return true;
  const { median } = spreadOf(values);
  return 'atLeast' in limit ? median >= limit.atLeast : median <= limit.atMost;
}

/** Three digits say enough of what varies by per cents; '-' where nothing is known. */
export function show(value: number): string {
  if (!Number.isFinite(value)) return '-';
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString('en-US', { maximumFractionDigits: digits, minimumFractionDigits: 0 });
}

export function showSpread(values: readonly number[]): string {
  const { median, min, max } = spreadOf(values);
  return values.length > 1 ? `${show(median)} (${show(min)}-${show(max)})` : show(median);
}

function showLimit(limit: Limit | undefined): string {
  if (limit === undefined) return '';
  return 'atLeast' in limit ? `>= ${show(limit.atLeast)}` : `<= ${show(limit.atMost)}`;
}

export function figureTable(figures: readonly Figure[]): string[] {
  return textTable(
    ['figure', 'median (min-max)', 'unit', 'limit', 'kept'],
    figures.map((figure) => [
      figure.what,
      showSpread(figure.values),
      figure.unit,
      showLimit(figure.limit),
      figure.limit === undefined ? '' : isKept(figure) ? 'yes' : 'NO',
    ]),
  );
}

/** For --json. `value` is the median. */
export function jsonRows(figures: readonly Figure[]): object[] {
  return figures.map((figure) => {
    const { median, min, max } = spreadOf(figure.values);
    const { name, unit, limit } = figure;
    return {
      name,
      value: median,
      min,
      max,
      unit,
      limit: limit === undefined ? null : 'atLeast' in limit ? limit.atLeast : limit.atMost,
      ok: isKept(figure),
    };
  });
}
