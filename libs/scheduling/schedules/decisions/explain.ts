// Why did a schedule run at an instant, or why not? The ledger has the answer where it has a row. Where it has none, the
// spec says whether the schedule was due, and its history why that is not decided: the schedule is younger, had another
// spec, or is not so far yet.
import {
  boundsOf,
  newestDueTimes,
  nextDueAt,
  onAnyDay,
  type ScheduleSpec,
} from '#scheduling/decisions/due-times.js';
import { followsRuns } from '#scheduling/decisions/kinds/following.js';
import { isPausedAt } from '#scheduling/decisions/standing.js';
import { startOf } from './jitter.js';

export interface ExplainInput {
  at: Date;
  /** The database's time. */
  now: Date;
  spec: ScheduleSpec;
  createdAt: Date;
  /** Until then it had another spec; null if it never had one. */
  specSince: Date | null;
  /** The first due time that is not planned yet. */
  nextDueAt: Date | null;
  state: 'active' | 'paused';
  pausedUntil: Date | null;
  /** The row of the ledger; null if there is none. */
  fire: { outcome: string; reason: string | null; startedAt: Date | null; jitterMs: number | null } | null;
  /** Whether it is left behind, and will be decided behind the present. */
  isLeftBehind: boolean;
}

export interface Explanation {
  /** By the present spec. */
  isDue: boolean;
  /** The nearest due times by the present spec; null where there is none, and before it none within a year. */
  dueBefore: Date | null;
  dueAfter: Date | null;
  /** A sentence or two. */
  text: string;
}

const NEAR_MS = 366 * 86_400_000;

export function explain(input: ExplainInput): Explanation {
  const { spec, at } = input;
  const notBefore = new Date(at.getTime() - NEAR_MS);
  const isDue = followsRuns(spec) ? isKnownDue(input) : isDueAt(spec, at);
  const dueAfter = nextDueAt(spec, at);
  const dueBefore = newestDueTimes(spec, { notBefore, before: at, limit: 1 })[0] ?? null;
  return {
    isDue,
    dueBefore,
    dueAfter,
    text: input.fire === null ? undecided(input, isDue) : decided(input, input.fire),
  };
}

/** Where due times follow from runs. */
function isKnownDue({ at, fire, nextDueAt: next, isLeftBehind }: ExplainInput): boolean {
  return fire !== null || isLeftBehind || next?.getTime() === at.getTime();
}

function isDueAt(spec: ScheduleSpec, at: Date): boolean {
  return nextDueAt(spec, new Date(at.getTime() - 1))?.getTime() === at.getTime();
}

function undecided(input: ExplainInput, isDue: boolean): string {
  const { at, now, spec, createdAt, specSince, nextDueAt: nextPlanned, isLeftBehind } = input;
  if (at < createdAt) return `The schedule was made later, at ${createdAt.toISOString()}.`;
  if (specSince !== null && at <= specSince)
    return `The schedule had another spec until ${specSince.toISOString()}, and that one was not due then, or its row is kept no longer.`;
  const { startAt, endAt, counted } = boundsOf(spec);
  if (startAt !== undefined && at < startAt)
    return `The schedule is due from its startAt on, ${startAt.toISOString()}.`;
  if (endAt !== undefined && at > endAt)
    return `The schedule is due up to its endAt, ${endAt.toISOString()}.`;
  if (counted?.lastAt instanceof Date && at > counted.lastAt)
    return `The schedule has had as many due times as its maxFires allows (${counted.maxFires}), the last at ${counted.lastAt.toISOString()}.`;
  if (!isDue && followsRuns(spec))
    return 'The due times of the schedule follow from runs, and none that is known is that instant.';
  if (!isDue && isDueAt(onAnyDay(spec), at))
    return 'The calendars of the schedule leave out the day of that instant.';
  if (!isDue) return 'The schedule was not due at that instant.';
  if (isLeftBehind)
    return 'It passed in an outage. What becomes of it is decided soon, behind what is due now.';
  if (nextPlanned !== null && at >= nextPlanned) {
    if (isPausedAt(input, at))
      return 'It is not decided yet: while the schedule is paused, a due time is skipped once it has passed.';
    return at > now
      ? 'It is not decided yet: due times are planned about ten seconds ahead.'
      : 'It is not decided yet: the leader has not planned so far. See GET /api/v1/cluster/leader.';
  }
  return 'Its row in the ledger is kept no longer (CARILLON_FIRE_RETENTION_DAYS).';
}

const BY_REASON: Readonly<Record<string, string>> = {
  paused: 'The schedule was paused when it was due.',
  suspended: 'The tenant was suspended when it was due, or when the outage in which it passed had ended.',
  limit: 'The tenant had as many runs that were not over as its maxQueued allows.',
  overlap: 'Another run of the schedule was still running when it was due, as its overlap has it.',
  cancelled: 'Its run was cancelled before it started.',
  requested: 'A request skipped it before it was due.',
  outage: 'It passed in an outage, and a later run of the schedule stands for it, as catchUp has it.',
  'catch-up window':
    'It passed in an outage, longer ago than the withinSeconds of catchUp when that was over.',
  'catch-up limit':
    'It passed in an outage, after which as many newer ones ran as the max of catchUp allows.',
  'no catch-up': 'It passed in an outage, and catchUp makes up for none.',
  'schedule changed': 'The schedule got another spec before its run started.',
  'schedule deleted': 'The schedule was deleted before its run started.',
  expired: 'Its run reached its deadline before it started.',
};

function decided({ at, now }: ExplainInput, fire: NonNullable<ExplainInput['fire']>): string {
  const { outcome, reason, startedAt, jitterMs } = fire;
  const startsAt = startOf(at, jitterMs);
  const lateMs = startedAt === null ? null : startedAt.getTime() - startsAt.getTime();
  if (outcome === 'planned' && reason === 'catch-up')
    return 'It passed in an outage or a pause, and its run, which makes up for it, waits for its start.';
  if (outcome === 'planned' && reason === 'backfill')
    return 'A backfill has made a run for it, which waits for its start.';
  if (outcome === 'planned' && reason === 'retry')
    return 'Its run was over before it started. A request has brought it back, and it waits for its start.';
  if (outcome === 'planned') {
    if (jitterMs !== null && startsAt > now)
      return `It is planned: its run starts at ${startsAt.toISOString()}, ${jitterMs} ms after it is due, as the schedule's jitterSeconds has it.`;
    return at > now
      ? 'It is planned: its run waits for the instant.'
      : 'It is planned, and its run waits for its start: see the state of the run, its queue and its limits.';
  }
  if (outcome === 'late' && reason === 'catch-up')
    return `It passed in an outage or a pause, and its run made up for it, ${lateMs} ms late.`;
  if (outcome === 'late' && reason === 'backfill')
    return `A backfill has made a run for it, which started ${lateMs} ms after it was due.`;
  if (outcome === 'late' && reason === 'retry')
    return `Its run was over before it started. A request brought it back, and it started ${lateMs} ms after it was due.`;
  if (outcome === 'fired' || outcome === 'late') {
    return jitterMs === null
      ? `Its run started ${lateMs} ms after it was due.`
      : `Its run started ${lateMs} ms after ${startsAt.toISOString()}, when it was to start: ${jitterMs} ms after it was due, as the schedule's jitterSeconds has it.`;
  }
  return (reason === null ? undefined : BY_REASON[reason]) ?? `It was ${outcome} (${reason}).`;
}
