// When may a fault be the reason for what is seen? From just before it strikes, since a run that is due then may not
// have got to its start, until its limits have passed after its end.
import type { FaultKind, FaultRecord } from '../faults.js';

/** What was claimed before the strike may be due after it. */
const BEFORE_MS = 1_000;
/** On a machine that does other things as well, and within the checker's own precision. */
export const SLACK_MS = 2_000;

export function windowOf({ kind, startedAtMs, healedAtMs }: FaultRecord): { fromMs: number; toMs: number } {
  const { latenessMs, slotsMs } = kind.limits;
  const afterMs = Math.max(latenessMs, Number.isFinite(slotsMs) ? slotsMs : 0);
  return { fromMs: startedAtMs - BEFORE_MS, toMs: healedAtMs + afterMs + SLACK_MS };
}

export function within(
  faults: readonly FaultRecord[],
  isOf: (kind: FaultKind) => boolean,
  atMs: number,
): boolean {
  return around(faults, atMs).some(({ kind }) => isOf(kind));
}

/** The faults whose window the instant is in. */
export function around(faults: readonly FaultRecord[], atMs: number): FaultRecord[] {
  return faults.filter((fault) => {
    const { fromMs, toMs } = windowOf(fault);
    return atMs >= fromMs && atMs <= toMs;
  });
}

/**
 * How late may a run start that is due then? 0 if no fault is about. Faults that are about together add up; one that
 * strikes while another is being repaired delays that repair until it is itself repaired.
 */
export function latenessLimitAt(faults: readonly FaultRecord[], dueAtMs: number): number {
  const about = around(faults, dueAtMs);
  if (about.length === 0) return 0;
  let byMs = about.reduce((sum, fault) => sum + latenessLimitOf(fault), dueAtMs);
  for (const fault of faults.toSorted((a, b) => a.startedAtMs - b.startedAtMs))
    if (fault.startedAtMs > dueAtMs && fault.startedAtMs < byMs)
      byMs = Math.max(byMs, fault.startedAtMs + latenessLimitOf(fault));
  return byMs - dueAtMs;
}

function latenessLimitOf({ kind, startedAtMs, healedAtMs }: FaultRecord): number {
  return kind.limits.latenessMs + SLACK_MS + (kind.from === 'heal' ? healedAtMs - startedAtMs : 0);
}

/** After a fault is over, the cluster is as before within this time, unless something of it is still to be repaired. */
const SETTLED_MS = 3_000;
/** Queries on a connection that the way has forgotten get no answer, and are given up after this. */
const UNANSWERED_MS = 15_000;

/** Did another fault strike so near that it may have delayed this one's repair? */
export function isDisturbed(fault: FaultRecord, faults: readonly FaultRecord[]): boolean {
  const { kind, startedAtMs, healedAtMs } = fault;
  const times = [kind.limits.termMs, kind.limits.slotsMs, kind.limits.restartMs].filter(Number.isFinite);
  const endMs = (kind.from === 'heal' ? healedAtMs : startedAtMs) + Math.max(...times);
  return faults.some(
    (other) => other !== fault && other.startedAtMs < endMs && settledAtMs(other) > startedAtMs,
  );
}

function settledAtMs({ kind, healedAtMs }: FaultRecord): number {
  return healedAtMs + (mayLeaveUnanswered(kind) ? UNANSWERED_MS : SETTLED_MS);
}

/** A replica that left then may have got no answer to what it gave back; the others count it as lost. */
export function leftUnheard(faults: readonly FaultRecord[], atMs: number): boolean {
  return faults.some(
    (fault) =>
      mayInterrupt(fault.kind) && fault.startedAtMs <= atMs && atMs <= fault.healedAtMs + 2 * UNANSWERED_MS,
  );
}

function mayLeaveUnanswered({ name }: FaultKind): boolean {
  return /forgotten|answer-lost|half-open|blackhole/.test(name);
}

/** A replica struck by it may go on for a moment after the others have given it up. */
export function mayFreeze({ name }: FaultKind): boolean {
  return /freeze|blackhole|half-open|delay|block/.test(name);
}

/** A replica struck by it may not beat for so long that it stops what it runs. */
export function mayCostTrust(kind: FaultKind): boolean {
  return mayFreeze(kind) || /postgres|backend|forgotten|cancelled|resume/.test(kind.name);
}

/** A running attempt may be stopped by it without its target noticing at once. */
export function mayInterrupt(kind: FaultKind): boolean {
  return mayFreeze(kind) || /postgres|backend|sessions|cut|answer-lost|forgotten|cancelled/.test(kind.name);
}
