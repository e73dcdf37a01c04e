// Does an explanation say what the ledger says, and without a row why there is none?
import { describe, expect, it } from 'vitest';
import { explain, type ExplainInput } from './explain.js';

const now = new Date('2026-03-10T12:00:00Z');
const at = (text: string): Date => new Date(`2026-03-${text}:00Z`);
const explained = (input: Partial<ExplainInput> = {}) =>
  explain({
    at: at('10T09:00'),
    now,
    spec: { kind: 'cron', expression: '0 9 * * *', timeZone: 'UTC' },
    createdAt: at('01T00:00'),
    specSince: null,
    nextDueAt: at('11T09:00'),
    state: 'active',
    pausedUntil: null,
    fire: null,
    isLeftBehind: false,
    ...input,
  });
const decided = (outcome: string, reason: string | null = null, startedAt: Date | null = null) =>
  explained({ fire: { outcome, reason, startedAt, jitterMs: null } }).text;

describe('an instant', () => {
  it('that is a due time has its neighbours', () => {
    expect(explained()).toMatchObject({
      isDue: true,
      dueBefore: at('09T09:00'),
      dueAfter: at('11T09:00'),
    });
  });

  it('that is none has them, too', () => {
    expect(explained({ at: at('10T09:01') })).toMatchObject({
      isDue: false,
      dueBefore: at('10T09:00'),
      dueAfter: at('11T09:00'),
      text: 'The schedule was not due at that instant.',
    });
  });

  it('after the last due time has none after it', () => {
    const spec = { kind: 'at', at: at('10T09:00') } as const;
    expect(explained({ spec, at: at('10T10:00') })).toMatchObject({ dueBefore: spec.at, dueAfter: null });
  });
});

describe('an instant out of bounds', () => {
  const daily = { kind: 'cron', expression: '0 9 * * *', timeZone: 'UTC' } as const;

  it('is explained by them', () => {
    const later = explained({ spec: { ...daily, startAt: at('20T00:00') } });
    expect(later).toMatchObject({ isDue: false, dueBefore: null, dueAfter: at('20T09:00') });
    expect(later.text).toMatch(/from its startAt on, 2026-03-20/);
    expect(explained({ spec: { ...daily, endAt: at('09T10:00') } }).text).toMatch(
      /up to its endAt, 2026-03-09/,
    );
    const exclude = { names: ['a'], revisions: [1], days: '2026-03-10' };
    expect(explained({ spec: { ...daily, calendars: { exclude } } })).toMatchObject({
      isDue: false,
      dueBefore: at('09T09:00'),
      dueAfter: at('11T09:00'),
      text: 'The calendars of the schedule leave out the day of that instant.',
    });
  });
});

describe('a due time without a row', () => {
  it.each<[string, Partial<ExplainInput>, RegExp]>([
    ['before the schedule', { createdAt: at('10T10:00') }, /made later, at 2026-03-10T10:00/],
    ['of a former spec', { specSince: at('10T10:00') }, /another spec until 2026-03-10T10:00/],
    ['left behind', { isLeftBehind: true }, /decided soon/],
    ['ahead', { at: at('11T09:00') }, /ten seconds ahead/],
    ['ahead of a paused one', { at: at('11T09:00'), state: 'paused' }, /skipped once it has passed/],
    ['passed and unplanned', { nextDueAt: at('10T09:00') }, /has not planned so far/],
    ['long ago', {}, /kept no longer/],
  ])('%s', (_, input, text) => {
    expect(explained(input).text).toMatch(text);
  });
});

describe('a due time with a row', () => {
  it.each([
    ['fired', null, at('10T09:00'), /started 0 ms after/],
    ['late', null, at('10T09:01'), /started 60000 ms after/],
    ['late', 'catch-up', at('10T10:00'), /made up for it, 3600000 ms late/],
    ['planned', null, null, /see the state of the run/],
    ['planned', 'catch-up', null, /makes up for it, waits/],
    ['planned', 'backfill', null, /backfill has made a run for it, which waits/],
    ['late', 'backfill', at('10T10:00'), /backfill has made a run for it, which started 3600000 ms after/],
    ['planned', 'retry', null, /brought it back, and it waits/],
    ['late', 'retry', at('10T10:00'), /brought it back, and it started 3600000 ms after/],
    ['skipped', 'paused', null, /was paused/],
    ['skipped', 'limit', null, /maxQueued/],
    ['coalesced', 'outage', null, /a later run/],
    ['missed', 'no catch-up', null, /makes up for none/],
    ['missed', 'another reason', null, /^It was missed \(another reason\)\.$/],
  ] as const)('that is %s (%s)', (outcome, reason, startedAt, text) => {
    expect(decided(outcome, reason, startedAt)).toMatch(text);
  });

  it('that is planned ahead waits for it', () => {
    const fire = { outcome: 'planned', reason: null, startedAt: null, jitterMs: null };
    expect(explained({ at: at('11T09:00'), fire }).text).toMatch(/waits for the instant/);
  });

  it('with a jitter counts from when its run was to start', () => {
    const fire = { reason: null, startedAt: at('10T09:07'), jitterMs: 6 * 60_000 };
    expect(explained({ fire: { ...fire, outcome: 'late' } }).text).toMatch(
      /started 60000 ms after 2026-03-10T09:06:00.000Z, when it was to start: 360000 ms after it was due/,
    );
    const waiting = { outcome: 'planned', reason: null, startedAt: null, jitterMs: 86_400_000 };
    expect(explained({ fire: waiting }).text).toMatch(
      /starts at 2026-03-11T09:00:00.000Z, 86400000 ms after/,
    );
  });
});
