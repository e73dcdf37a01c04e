// Does an audit find what was lost or invented, and leave alone what only seems so?
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ScheduleSpec } from '#scheduling/decisions/due-times.js';
import { audit, type AuditInput } from './audit.js';
import { DueWalk, type Stretch } from './walk.js';

const at = (second: number): Date => new Date(Date.UTC(2026, 0, 1) + second * 1_000);
const every = (seconds: number): ScheduleSpec => ({ kind: 'every', seconds, anchorAt: at(0) });
const span = { from: at(0), to: at(100) };

const first: Stretch = { spec: every(10), since: at(0), until: at(45) };
const second: Stretch = { spec: every(7), since: at(45), until: null };
const walked = (stretches: readonly Stretch[], limit = 1_000): DueWalk => {
  const walk = new DueWalk(stretches, span, limit);
  while (!walk.goOn(() => true) && walk.dueTimes.length < limit);
  return walk;
};
const seconds = (instants: readonly Date[]): number[] => instants.map((due) => (+due - +at(0)) / 1_000);
const DUE = [10, 20, 30, 40, 49, 56, 63, 70, 77, 84, 91, 98];

describe('the due times of a schedule', () => {
  it('are those of each spec while the schedule had it', () => {
    expect(seconds(walked([first, second]).dueTimes)).toEqual(DUE);
  });

  it('end with the schedule', () => {
    const deleted = { ...second, until: at(60) };
    const walk = walked([first, deleted]);
    expect(seconds(walk.dueTimes)).toEqual([10, 20, 30, 40, 49, 56]);
    expect(walk.until).toEqual(span.to);
  });

  it('are found up to the last of as many as may be', () => {
    const walk = walked([first, second], 6);
    expect(seconds(walk.dueTimes)).toEqual(DUE.slice(0, 6));
    expect(seconds([walk.until])).toEqual([56.001]);
  });

  it('are found in parts, in whichever way they are cut', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 20 }), (portions) => {
        const walk = new DueWalk([first, second], span, 1_000);
        for (let turn = 0, isDone = false; !isDone; turn += 1) {
          let left = (portions[turn % portions.length] ?? 0) + 1;
          isDone = walk.goOn(() => (left -= 1) > 0 || turn > 1_000);
          if (!isDone) expect(+walk.until).toBeLessThan(+span.to);
        }
        expect(seconds(walk.dueTimes)).toEqual(DUE);
      }),
    );
  });
});

const whole: AuditInput = {
  stretches: [first, second],
  dueTimes: DUE.map(at),
  fires: DUE.map((due) => ({ dueAt: at(due), outcome: 'fired', reason: null })),
  gaps: [],
  nextDueAt: at(105),
  doubled: [],
  unanswered: [],
};
const without = (...due: number[]) =>
  whole.fires.filter(({ dueAt }) => !due.map(at).some((one) => +one === +dueAt));
const beside = (due: number, reason: string | null = null) => [
  ...whole.fires,
  { dueAt: at(due), outcome: 'fired', reason },
];
const CLEAN = {
  ahead: 0,
  leftBehind: 0,
  askedFor: 0,
  followed: 0,
  kept: 0,
  lost: [],
  doubled: [],
  invented: [],
};

describe('an audit', () => {
  it('of a ledger with a row for each due time finds nothing', () => {
    expect(audit(whole)).toEqual({ ...CLEAN, outcomes: { fired: DUE.length } });
  });

  it.each<[string, Partial<AuditInput>, object]>([
    ['a due time without a row', { fires: without(30) }, { lost: [at(30)] }],
    ['a row without a due time', { fires: beside(31) }, { invented: [at(31)] }],
    ['a due time that has two runs', { doubled: [at(30)] }, { doubled: [at(30)] }],
    ['a row of the former spec long after it', { fires: beside(50) }, { invented: [at(50)] }],
    ['a row of the next spec before it', { fires: beside(42) }, { invented: [at(42)] }],
    [
      'a due time that was passed over, before one that is ahead',
      { fires: without(49, 98), nextDueAt: at(98) },
      { lost: [at(49)], ahead: 1 },
    ],
    ['a due time of a schedule that has ended', { fires: without(98), nextDueAt: null }, { lost: [at(98)] }],
  ])('finds %s', (_, change, found) => {
    expect(audit({ ...whole, ...change })).toMatchObject({ ...CLEAN, ...found });
  });

  it.each<[string, Partial<AuditInput>, object]>([
    ['due times ahead', { fires: without(91, 98), nextDueAt: at(91) }, { ahead: 2 }],
    [
      'due times that were left behind',
      { fires: without(20, 30), gaps: [{ from: at(20), to: at(31) }] },
      { leftBehind: 2 },
    ],
    ['a row that a request asked for', { fires: beside(33, 'backfill') }, { askedFor: 1 }],
    ['one whose run was retried', { fires: beside(33, 'retry') }, { askedFor: 1 }],
    [
      'a row of a run that was claimed when its spec was replaced',
      {
        stretches: [
          { ...first, until: at(48.6) },
          { ...second, since: at(48.6) },
        ],
        fires: beside(50),
      },
      { kept: 1 },
    ],
    [
      'a row that followed a run and was claimed when the schedule got another spec',
      {
        stretches: [
          { ...first, spec: { kind: 'follow', schedule: 'other', seconds: 5 }, until: at(48.6) },
          { ...second, since: at(48.6) },
        ],
        dueTimes: DUE.slice(4).map(at),
        fires: [...beside(50)].filter(({ dueAt }) => dueAt > at(45)),
      },
      { kept: 1 },
    ],
    [
      'rows of a spec that cannot be read',
      { stretches: [{ ...first, spec: null }, second], dueTimes: DUE.slice(4).map(at) },
      { kept: 4 },
    ],
  ])('leaves alone %s', (_, change, found) => {
    expect(audit({ ...whole, ...change })).toMatchObject({ ...CLEAN, ...found });
  });
});
