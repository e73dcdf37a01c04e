// What is promised, and which observation proves it? One line for each promise of the failure budget, with its limit;
// the lines that the budget names go into the JSON file, under the names that the README's table is made from.
import { percentile } from '../../chaos/text-table.js';
import type { Observed } from './strikes.js';

export type StrikeName =
  | 'leader-killed'
  | 'replica-killed'
  | 'leader-frozen'
  | 'owner-frozen'
  | 'control-session-ended'
  | 'rolling-restart'
  | 'postgres-restart'
  | 'postgres-away'
  | 'event-loop-block';

export type Observations = Readonly<Record<StrikeName, readonly Observed[]>>;

export interface BudgetLine {
  readonly what: string;
  /** In the JSON file; the others are told on the screen only. */
  readonly name?: string;
  readonly unit: 'ms' | 'false failovers' | 'lost attempts' | 'fires lost or doubled';
  readonly limit: number;
  readonly values: readonly number[];
}

type Line = Omit<BudgetLine, 'values'> & {
  readonly of: readonly StrikeName[];
  readonly values: (observed: readonly Observed[]) => number[];
};

const timeOf = (name: string) => (observed: readonly Observed[]) =>
  observed.map(({ times }) => times[name] ?? Number.POSITIVE_INFINITY);
const lateness = (observed: readonly Observed[]): number[] =>
  observed.flatMap(({ latenessMs }) => latenessMs);
const worstLateness = (observed: readonly Observed[]): number[] =>
  observed.map(({ latenessMs }) => Math.max(0, ...latenessMs));
const falseDeaths = (observed: readonly Observed[]): number[] => observed.map((each) => each.falseDeaths);
const lostAttempts = (observed: readonly Observed[]): number[] => observed.map((each) => each.lostAttempts);
const brokenFires = (observed: readonly Observed[]): number[] => observed.map((each) => each.brokenFires);

const LINES: readonly Line[] = [
  {
    of: ['leader-killed'],
    what: 'leader killed: new term',
    name: 'leader-killed',
    unit: 'ms',
    limit: 1_000,
    values: timeOf('newTerm'),
  },
  {
    of: ['leader-killed'],
    what: 'leader killed: latest start of a fire',
    unit: 'ms',
    limit: 1_000,
    values: worstLateness,
  },
  {
    of: ['leader-killed'],
    what: 'leader killed: its slots owned',
    unit: 'ms',
    limit: 2_000,
    values: timeOf('slotsOwned'),
  },
  {
    of: ['leader-killed'],
    what: 'leader killed: first lost run restarted',
    unit: 'ms',
    limit: 2_000,
    values: timeOf('runRestarted'),
  },
  {
    of: ['replica-killed'],
    what: 'replica killed: its slots owned',
    name: 'replica-killed',
    unit: 'ms',
    limit: 2_000,
    values: timeOf('slotsOwned'),
  },
  {
    of: ['replica-killed'],
    what: 'replica killed: first lost run restarted',
    unit: 'ms',
    limit: 2_000,
    values: timeOf('runRestarted'),
  },
  {
    of: ['replica-killed'],
    what: 'replica killed: latest start of a fire',
    unit: 'ms',
    limit: 2_000,
    values: worstLateness,
  },
  {
    of: ['leader-frozen', 'owner-frozen'],
    what: 'replica frozen: its slots owned',
    name: 'replica-frozen',
    unit: 'ms',
    limit: 6_000,
    values: timeOf('slotsOwned'),
  },
  { of: ['leader-frozen'], what: '  ... that leads', unit: 'ms', limit: 6_000, values: timeOf('slotsOwned') },
  {
    of: ['owner-frozen'],
    what: '  ... that does not',
    unit: 'ms',
    limit: 6_000,
    values: timeOf('slotsOwned'),
  },
  {
    of: ['leader-frozen', 'owner-frozen'],
    what: 'replica frozen: first lost run restarted',
    unit: 'ms',
    limit: 6_000,
    values: timeOf('runRestarted'),
  },
  {
    of: ['control-session-ended'],
    what: 'control session ended: resumed',
    unit: 'ms',
    limit: 1_000,
    values: timeOf('resumed'),
  },
  {
    of: ['control-session-ended'],
    what: 'control session ended',
    unit: 'false failovers',
    limit: 0,
    values: falseDeaths,
  },
  {
    of: ['rolling-restart'],
    what: 'rolling restart: start lateness',
    name: 'rolling-restart',
    unit: 'ms',
    limit: 250,
    values: lateness,
  },
  {
    of: ['rolling-restart'],
    what: 'rolling restart',
    name: 'rolling-restart-attempts',
    unit: 'lost attempts',
    limit: 0,
    values: lostAttempts,
  },
  {
    of: ['rolling-restart'],
    what: 'rolling restart',
    name: 'rolling-restart-fires',
    unit: 'fires lost or doubled',
    limit: 0,
    values: brokenFires,
  },
  {
    of: ['postgres-restart'],
    what: 'Postgres restarted: everything resumed',
    name: 'postgres-restart',
    unit: 'ms',
    limit: 3_000,
    values: timeOf('resumed'),
  },
  {
    of: ['postgres-away'],
    what: 'Postgres away for 8 s: everything resumed',
    unit: 'ms',
    limit: 3_000,
    values: timeOf('resumed'),
  },
  {
    of: ['postgres-restart', 'postgres-away'],
    what: 'Postgres restarted',
    unit: 'false failovers',
    limit: 0,
    values: falseDeaths,
  },
  {
    of: ['event-loop-block'],
    what: 'event loop blocked for 3 s',
    name: 'loop-blocked',
    unit: 'false failovers',
    limit: 0,
    values: falseDeaths,
  },
];

/** Only of what was struck. */
export function budgetLines(seen: Observations): BudgetLine[] {
  const lines = LINES.map(({ of, values, ...line }) => ({
    ...line,
    values: values(of.flatMap((name) => seen[name])),
  }));
  return lines.filter(({ values }) => values.length > 0);
}

export interface BudgetRow {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly limit: number;
  readonly ok: boolean;
}

export function jsonRows(lines: readonly BudgetLine[]): BudgetRow[] {
  return lines.flatMap(({ name, unit, limit, values }) => {
    if (name === undefined) return [];
    const value = Math.round(percentile(values, 0.99) * 10) / 10;
    return [{ name, value, unit, limit, ok: value <= limit }];
  });
}

export const isKept = ({ values, limit }: BudgetLine): boolean => percentile(values, 0.99) <= limit;
