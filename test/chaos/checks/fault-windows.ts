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

/** After a fault is over, the cluster is as before within this time, unless something of it is still to be repaired. */
const SETTLED_MS = 3_000;

/** Did another fault strike so near that it may have delayed this one's repair? */
export function isDisturbed(fault: FaultRecord, faults: readonly FaultRecord[]): boolean {
  const { kind, startedAtMs, healedAtMs } = fault;
  const times = [kind.limits.termMs, kind.limits.slotsMs, kind.limits.restartMs].filter(Number.isFinite);
  const endMs = (kind.from === 'heal' ? healedAtMs : startedAtMs) + Math.max(...times);
  return faults.some(
    (other) => other !== fault && other.startedAtMs < endMs && other.healedAtMs + SETTLED_MS > startedAtMs,
  );
}

/** A replica struck by it may go on for a moment after the others have given it up. */
export function mayFreeze({ name }: FaultKind): boolean {
  return /freeze|blackhole|half-open|delay|block/.test(name);
}

/** A replica struck by it may not beat for so long that it stops what it runs. */
export function mayCostTrust(kind: FaultKind): boolean {
  return mayFreeze(kind) || /postgres|backend/.test(kind.name);
}

/** A running attempt may be stopped by it without its target noticing at once. */
export function mayInterrupt(kind: FaultKind): boolean {
  return mayFreeze(kind) || /postgres|backend|sessions|cut|answer-lost/.test(kind.name);
}
