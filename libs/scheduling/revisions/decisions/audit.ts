// Was any due time of a schedule lost, doubled or invented? The due times are computed anew from what the schedule said
// when they were due, and compared with the rows of the ledger. A due time has exactly one row (I1), unless it is still
// ahead, or was left behind and is decided later. A row without a due time is one that a request asked for, or belongs to
// a run that its owner had claimed when the spec that asked for it was replaced.
import { followsRuns } from '#scheduling/decisions/kinds/following.js';
import { ASKED_FOR } from '#scheduling/decisions/planning.js';
import { isDueAt, type Stretch } from './walk.js';

/** A little more than an owner claims ahead. */
const CLAIMED_AHEAD_MS = 2_000;

export interface AuditedFire {
  dueAt: Date;
  outcome: string;
  reason: string | null;
}

export interface AuditInput {
  stretches: readonly Stretch[];
  /** What the stretches make due in the span, the earliest first. */
  dueTimes: readonly Date[];
  /** The rows of the span, the earliest first. */
  fires: readonly AuditedFire[];
  /** Left behind: due times from the first instant on and before the second are decided later. */
  gaps: readonly { from: Date; to: Date }[];
  /** From here on due times are still to be planned; null when none will come. */
  nextDueAt: Date | null;
  /** Due times with more than one run. */
  doubled: readonly Date[];
  /** What successes of another schedule made due, and is nowhere to be found. */
  unanswered: readonly Date[];
}

export interface AuditVerdict {
  /** Due times of the span that are decided, and how. */
  outcomes: Record<string, number>;
  /** Due times that are still to be planned. */
  ahead: number;
  /** Due times that were left behind, and get their rows later. */
  leftBehind: number;
  /** Rows that a request asked for, beside the due times. */
  askedFor: number;
  /** Rows of due times that follow from runs. */
  followed: number;
  /** Rows of a former spec whose runs had been claimed when it was replaced. */
  kept: number;
  lost: Date[];
  doubled: readonly Date[];
  invented: Date[];
}

export function audit(input: AuditInput): AuditVerdict {
  const { dueTimes, fires, gaps, nextDueAt: frontier, doubled } = input;
  const rows = new Map(fires.map((fire) => [fire.dueAt.getTime(), fire]));
  const verdict = {
    ahead: 0,
    leftBehind: 0,
    askedFor: 0,
    followed: 0,
    kept: 0,
    lost: [...input.unanswered],
    invented: [] as Date[],
  };
  const outcomes: Record<string, number> = {};
  for (const dueAt of dueTimes) {
    const row = rows.get(dueAt.getTime());
    rows.delete(dueAt.getTime());
    if (row !== undefined) outcomes[row.outcome] = (outcomes[row.outcome] ?? 0) + 1;
    else if (gaps.some(({ from, to }) => from <= dueAt && dueAt < to)) verdict.leftBehind += 1;
    else if (frontier !== null && dueAt >= frontier) verdict.ahead += 1;
    else verdict.lost.push(dueAt);
  }
  for (const { dueAt, reason, outcome } of rows.values()) {
    if (input.stretches.some((stretch) => isFollowedIn(stretch, dueAt))) {
      verdict.followed += 1;
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    } else if (reason !== null && ASKED_FOR.includes(reason)) verdict.askedFor += 1;
    else if (input.stretches.some((stretch) => mayBeOf(stretch, dueAt))) verdict.kept += 1;
    else verdict.invented.push(dueAt);
  }
  return { ...verdict, outcomes, doubled };
}

/** Claimed ones of a former spec are among them for a moment. */
function isFollowedIn({ spec, since, until }: Stretch, dueAt: Date): boolean {
  return spec !== null && followsRuns(spec) && dueAt >= since && (until === null || dueAt <= until);
}

/** Nothing can be said against a row of a stretch whose spec can't be read. */
function mayBeOf({ spec, since, until }: Stretch, dueAt: Date): boolean {
  if (spec === null) return dueAt > since && (until === null || dueAt <= until);
  if (until === null || dueAt <= until || dueAt.getTime() > until.getTime() + CLAIMED_AHEAD_MS) return false;
  return followsRuns(spec) || isDueAt(spec, dueAt) !== false;
}
