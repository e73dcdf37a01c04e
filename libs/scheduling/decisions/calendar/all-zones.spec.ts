// Are due times right at every change of the clock, from 2024 to 2030, in every zone that the runtime knows, with every
// choice about clock changes? Two oracles watch the wall minute by minute, without offsets, calendars or croner: one asks
// Intl what it shows, the other a package that brings the IANA database along. Where those two disagree, it is about data,
// and told as such. Each oracle must also catch rules that are wrong.
import { describe, expect, it } from 'vitest';
import {
  any,
  bruteForce,
  either,
  everyMinute,
  list,
  one,
  range,
  step,
  textOf,
  wallMs,
  watchWall,
  type Choice,
  type Meaning,
  type Span,
} from '#test/support/cron-oracle.js';
import {
  packagedChanges,
  packagedVersion,
  packagedWallMs,
  packagedZone,
} from '#test/support/packaged-zones.js';
import { dueTimes, type ScheduleSpec } from '../due-times.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const YEARS = { fromMs: Date.UTC(2024, 0, 1), toMs: Date.UTC(2031, 0, 1) };
/** Of 134 whose clocks change; three differ between two versions half a year apart. */
const ZONES_OF_OTHER_DATA_MAX = 12;
/** Five seconds on a quiet machine. */
const LONG_MS = 120_000;

const CHOICES: readonly Choice[] = [
  { gap: 'after', repeat: 'first' },
  { gap: 'after', repeat: 'both' },
  { gap: 'skip', repeat: 'first' },
  { gap: 'skip', repeat: 'both' },
];
const DEFAULT = CHOICES.slice(0, 1);

const everyHour = list(...Array.from({ length: 24 }, (_, hour) => hour));
const FIXED: readonly Meaning[] = [
  { ...everyMinute, minute: step(15), hour: everyHour },
  { ...everyMinute, minute: one(30), hour: list(2) },
  { ...everyMinute, minute: list(0, 45), hour: list(0, 1) },
  { ...everyMinute, minute: one(30), hour: list(23, 3) },
];
const RHYTHMS: readonly Meaning[] = [
  { ...everyMinute, minute: step(15), hour: any },
  { ...everyMinute, minute: one(30), hour: range({ from: 0, to: 3, by: 1 }) },
  { ...everyMinute, minute: one(0), hour: either(one(23), step(2)) },
];

interface Change {
  timeZone: string;
  atMs: number;
}

type Due = (meaning: Meaning, span: Span, choice: Choice) => string[];
type Watch = (span: Span) => { atMs: number; wallMs: number }[];

const ours: Due = (meaning, { timeZone, fromMs, toMs }, clockChanges) => {
  const cron = { kind: 'cron', expression: textOf(meaning), timeZone } as const;
  const spec: ScheduleSpec = meaning.hour.isFixed ? { ...cron, clockChanges } : cron;
  const span = { after: new Date(fromMs - 1), through: new Date(toMs), limit: 1_000 };
  return dueTimes(spec, span).map((at) => at.toISOString());
};

const spanOf = ({ timeZone, atMs }: Change): Span => ({
  timeZone,
  fromMs: atMs - HOUR_MS,
  toMs: atMs + 3 * HOUR_MS,
  stepMs: MINUTE_MS,
});

/** Where due times are others than those that an oracle finds. */
function disagreements(changes: readonly Change[], { watch, due }: { watch: Watch; due: Due }): string[] {
  const found: string[] = [];
  for (const change of changes) {
    const span = spanOf(change);
    const watched = watch(span);
    const compare = (meaning: Meaning, choice: Choice): void => {
      const [was, expected] = [due(meaning, span, choice), bruteForce(meaning, watched, span, choice)];
      if (was.join() === expected.join()) return;
      const where = `${change.timeZone} at ${new Date(change.atMs).toISOString()}, ${textOf(meaning)}`;
      found.push(`${where} ${JSON.stringify(choice)}: expected ${expected.join()}, got ${was.join()}`);
    };
    for (const meaning of FIXED) for (const choice of CHOICES) compare(meaning, choice);
    for (const meaning of RHYTHMS) for (const choice of DEFAULT) compare(meaning, choice);
  }
  return found;
}

/** Days and then minutes after which the wall is another distance from UTC than before, as Intl shows it. */
function changesOf(timeZone: string): Change[] {
  const drift = (atMs: number): number => wallMs(timeZone, atMs) - atMs;
  const changing = (fromMs: number, toMs: number, stepMs: number): number[] => {
    const found: number[] = [];
    let before = drift(fromMs);
    for (let atMs = fromMs; atMs < toMs; atMs += stepMs) {
      const after = drift(atMs + stepMs);
      if (after !== before) found.push(atMs);
      before = after;
    }
    return found;
  };
  return changing(YEARS.fromMs, YEARS.toMs, DAY_MS)
    .flatMap((atMs) => changing(atMs, atMs + DAY_MS, HOUR_MS))
    .flatMap((atMs) => changing(atMs, atMs + HOUR_MS, MINUTE_MS))
    .map((atMs) => ({ timeZone, atMs: atMs + MINUTE_MS }));
}

/** Rules that a reader might think right. */
const withoutChoice: Due = (meaning, span) => ours(meaning, span, { gap: 'after', repeat: 'first' });
const asRhythm: Due = (meaning, span, choice) =>
  ours(
    { ...meaning, hour: { ...meaning.hour, isFixed: false, text: `${meaning.hour.text},0-23/23` } },
    span,
    choice,
  );

/** Intl lists an old name of Nuuk's zone. */
const ZONES = [...new Set([...Intl.supportedValuesOf('timeZone'), 'America/Nuuk'])];
const byIntl = ZONES.flatMap(changesOf);
const telling = ({ timeZone }: Change): boolean => /Berlin|Lord_Howe|Nuuk|Cairo|Troll/.test(timeZone);

describe('by what Intl shows, minute by minute', () => {
  it('there are changes of half an hour, of two, over midnight, and in a hundred zones', () => {
    const zones = new Set(byIntl.map(({ timeZone }) => timeZone));
    expect(zones.size).toBeGreaterThan(100);
    for (const zone of ['Australia/Lord_Howe', 'Antarctica/Troll', 'America/Nuuk', 'Africa/Cairo'])
      expect(zones).toContain(zone);
  });

  it(
    'due times are right at each of them',
    () => {
      expect(disagreements(byIntl, { watch: watchWall, due: ours })).toEqual([]);
    },
    LONG_MS,
  );

  it('rules that are wrong are noticed', () => {
    const near = byIntl.filter(telling);
    for (const due of [withoutChoice, asRhythm])
      expect(disagreements(near, { watch: watchWall, due }).length).toBeGreaterThan(near.length);
  });
});

describe('by other data than those of Intl', () => {
  const wallIn = (timeZone: string, atMs: number): number =>
    packagedWallMs(packagedZone(timeZone) ?? { untils: [], offsets: [] }, atMs);
  const watch: Watch = (span) => watchWall(span, wallIn);
  const packaged = ZONES.flatMap((timeZone) => {
    const zone = packagedZone(timeZone);
    return zone === null ? [] : packagedChanges(zone, YEARS).map((atMs) => ({ timeZone, atMs }));
  });
  const isSameData = ({ timeZone, atMs }: Change): boolean =>
    [-5 * HOUR_MS, -MINUTE_MS, 0, 3 * HOUR_MS].every(
      (awayMs) => wallIn(timeZone, atMs + awayMs) === wallMs(timeZone, atMs + awayMs),
    );

  it('the two know the same changes, but for few zones whose rules changed between their versions', () => {
    const others = [...packaged, ...byIntl].filter((change) => !isSameData(change));
    const zones = [...new Set(others.map(({ timeZone }) => timeZone))];
    const differing = zones.length === 0 ? 'no zone' : zones.join(', ');
    process.stdout.write(
      `zone data: ${packagedVersion} in the package, ${process.versions.tz} in Intl; they differ in ${differing}\n`,
    );
    expect(zones.length).toBeLessThanOrEqual(ZONES_OF_OTHER_DATA_MAX);
    expect(packaged.length).toBeGreaterThan(1_500);
  });

  it(
    'due times are right at each change that both know',
    () => {
      expect(disagreements(packaged.filter(isSameData), { watch, due: ours })).toEqual([]);
    },
    LONG_MS,
  );

  it('rules that are wrong are noticed, and so are zones that change at another time', () => {
    const near = packaged.filter(telling);
    for (const due of [withoutChoice, asRhythm])
      expect(disagreements(near, { watch, due }).length).toBeGreaterThan(near.length);
    const late: Watch = (span) =>
      watchWall(span, (timeZone, atMs) => {
        const { untils = [], offsets = [] } = packagedZone(timeZone) ?? {};
        return packagedWallMs({ offsets, untils: untils.map((untilMs) => untilMs + HOUR_MS) }, atMs);
      });
    expect(disagreements(near.slice(0, 20), { watch: late, due: ours }).length).toBeGreaterThan(20);
  });

  it('no two changes of a zone are so close that the search for changes, in steps of two days, would miss them', () => {
    const distances = ZONES.flatMap((timeZone) => {
      const zone = packagedZone(timeZone);
      const changes = zone === null ? [] : packagedChanges(zone, { fromMs: 0, toMs: Date.UTC(2100, 0, 1) });
      return changes.slice(1).map((atMs, index) => atMs - (changes[index] ?? 0));
    });
    expect(distances.length).toBeGreaterThan(10_000);
    expect(Math.min(...distances)).toBeGreaterThan(2 * DAY_MS);
  });
});
