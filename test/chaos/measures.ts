// How long did the cluster take to repair what a fault broke? Measured from the harness's own instant of the strike,
// or of the database's return, to instants that the database noted when the repair was written. What happens after the
// next strike is no answer to this one any more.
import type { EndedRun, Evidence } from './evidence.js';
import type { FaultRecord } from './faults.js';
import { LIMITED_TENANTS } from './limited/tenants.js';

const ANSWER_MS_MAX = 30_000;
/** Faults that are this near to each other struck together. */
const TOGETHER_MS = 1_000;

export interface Measure {
  readonly what: 'new term' | 'slots owned again' | 'lost runs restarted';
  /** Where its clock started. */
  readonly sinceMs: number;
  readonly ms: number;
  readonly limitMs: number;
}

/** Nothing is measured that the fault did not break: no new term if its replica did not lead, for one. */
export function measure(fault: FaultRecord, evidence: Evidence): Measure[] {
  const { limits, from } = fault.kind;
  const fromMs = from === 'heal' ? fault.healedAtMs : fault.startedAtMs;
  const measures: [Measure['what'], number | null, number][] = [
    ['new term', newTermAtMs(fault, evidence), limits.termMs],
    ['slots owned again', slotsOwnedAtMs(fault, evidence), limits.slotsMs],
    ['lost runs restarted', restartedAtMs(fault, evidence), limits.restartMs],
  ];
  return measures.flatMap(([what, atMs, limitMs]) =>
    atMs === null ? [] : [{ what, sinceMs: fromMs, ms: Math.max(0, atMs - fromMs), limitMs }],
  );
}

/** Until when something may be an answer. */
function answersUntilMs({ startedAtMs }: FaultRecord, { faults }: Evidence): number {
  const later = faults
    .map((other) => other.startedAtMs)
    .filter((otherMs) => otherMs > startedAtMs + TOGETHER_MS);
  return Math.min(startedAtMs + ANSWER_MS_MAX, ...later);
}

function newTermAtMs(fault: FaultRecord, evidence: Evidence): number | null {
  if (!fault.struck.some(({ led }) => led)) return null;
  const untilMs = answersUntilMs(fault, evidence);
  return (
    evidence.terms.find(
      ({ replica, atMs }) => replica !== null && atMs >= fault.startedAtMs && atMs < untilMs,
    )?.atMs ?? null
  );
}

/**
 * Of replicas that died of it, or left because of it. A living replica keeps its slots or hands them over in its own
 * time.
 */
function slotsOwnedAtMs(fault: FaultRecord, evidence: Evidence): number | null {
  const untilMs = answersUntilMs(fault, evidence);
  const ended = endedBy(fault, evidence);
  const moves = evidence.slotChanges.filter(
    ({ was, owner, atMs }) => owner !== null && ended.has(was) && atMs >= fault.startedAtMs && atMs < untilMs,
  );
  return latest(moves.map(({ atMs }) => atMs));
}

/** Runs whose lost attempt was taken along by a replica that this fault struck, unless they wait for a limit. */
function restartedAtMs(fault: FaultRecord, evidence: Evidence): number | null {
  const untilMs = answersUntilMs(fault, evidence);
  const dead = endedBy(fault, evidence);
  const lines = new Map(
    evidence.sideLog.map(({ runId, attempt, seenAtMs }) => [`${runId}/${attempt}`, seenAtMs]),
  );
  const unlimited = evidence.ended.filter(
    ({ tenant }) => !LIMITED_TENANTS.some(({ name }) => name === tenant),
  );
  const restarts = unlimited.flatMap((run) => {
    const lost = run.pastAttempts.find(({ outcome, replica }) => outcome === 'lost' && dead.has(replica));
    // What was not due yet when its replica died has lost nothing but its place.
    if (lost === undefined || run.runAtMs > fault.startedAtMs) return [];
    const atMs = lines.get(`${run.id}/${lost.attempt + 1}`) ?? startIfLast(run, lost.attempt + 1);
    return atMs === null ? [] : [atMs];
  });
  return latest(restarts.filter((atMs) => atMs >= fault.startedAtMs && atMs < untilMs));
}

function startIfLast(run: EndedRun, attempt: number): number | null {
  return run.attempt === attempt ? run.startedAtMs : null;
}

/** The struck replicas that died or left before the next strike. */
function endedBy(fault: FaultRecord, evidence: Evidence): Set<number | null> {
  const untilMs = answersUntilMs(fault, evidence);
  const struck = new Set(fault.struck.map(({ replica }) => replica));
  const ends = evidence.events.filter(
    ({ type, replica, atMs }) =>
      ['replica-dead', 'replica-left', 'replica-draining'].includes(type) &&
      struck.has(replica) &&
      atMs >= fault.startedAtMs &&
      atMs < untilMs,
  );
  return new Set(ends.map(({ replica }) => replica));
}

function latest(instants: readonly number[]): number | null {
  return instants.length === 0 ? null : Math.max(...instants);
}
