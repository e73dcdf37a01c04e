// When did an attempt execute, as far as limits are concerned? From its own account's beginning to its end, or until
// the cluster wrote down that it is lost, whichever comes first. A replica that was declared dead, or a worker whose
// lease ran out, may go on and can't be stopped: nothing more is promised of it, and its place is free once that is in
// the database. Until then it counts, even if its process has been gone for long.
import type { EndedRun, Evidence, OpenRun, PastAttempt } from '../evidence.js';
import type { Spell } from '../spells.js';

export interface Span extends Pick<Spell, 'attempt' | 'where' | 'fromMs'> {
  readonly run: OpenRun | EndedRun;
  readonly toMs: number;
}

const GIVEN_UP: ReadonlySet<PastAttempt['outcome']> = new Set(['lost', 'timed-out', 'released']);

const memo = new WeakMap<Evidence, Map<string, OpenRun | EndedRun>>();

export function runsById(evidence: Evidence): ReadonlyMap<string, OpenRun | EndedRun> {
  const known =
    memo.get(evidence) ?? new Map([...evidence.open, ...evidence.ended].map((run) => [run.id, run]));
  memo.set(evidence, known);
  return known;
}

export function spansOf(evidence: Evidence): Span[] {
  const runs = runsById(evidence);
  return evidence.spells.flatMap(({ run: id, attempt, where, fromMs, toMs }) => {
    const run = runs.get(id);
    if (run === undefined) return [];
    const ends = [toMs ?? evidence.readAtMs, givenUpAtMs(run, attempt)];
    return [{ run, attempt, where, fromMs, toMs: Math.min(...ends) }];
  });
}

function givenUpAtMs({ pastAttempts }: OpenRun, attempt: number): number {
  const past = pastAttempts.find((each) => each.attempt === attempt);
  return past !== undefined && GIVEN_UP.has(past.outcome)
    ? Date.parse(past.finishedAt)
    : Number.POSITIVE_INFINITY;
}

/** Which seat's replica began the attempt; undefined where it is not known. */
export function seatOf(
  evidence: Evidence,
  { run, attempt }: Pick<Span, 'run' | 'attempt'>,
): string | undefined {
  const past = run.pastAttempts.find((each) => each.attempt === attempt)?.replica;
  const number = past ?? ('replica' in run && run.attempt === attempt ? run.replica : undefined);
  return evidence.replicas.find((replica) => replica.number === number)?.name;
}
