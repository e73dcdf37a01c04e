// A run that a replica holds in memory, and what it knows about it.
import type { ClaimedRun } from '#execution/runs/claimed-run.js';
import type { LaneAccount } from './held-accounts.js';
import { rankOf } from '#execution/runs/decisions/lane.js';

export interface HeldRun {
  readonly run: ClaimedRun;
  /** The account that counts it. */
  readonly account: LaneAccount;
  /** On this process's monotonic clock; never before the database's run_at (I6). */
  startAtMs: number;
  /** The order in which runs were claimed. */
  readonly turn: number;
  state: 'waiting' | 'running' | 'ended';
  /** When it last started, on the same clock. */
  begunAtMs: number;
  /** A request to cancel it came after it was chosen to start: the start loop must not start it. */
  isUnwanted: boolean;
  /** What its start was charged to its tenant, in virtual milliseconds. */
  charged: number;
}

/** For lists from whose end the next run is taken. */
export function soonestLast(a: HeldRun, b: HeldRun): number {
  return b.startAtMs - a.startAtMs || rankOf(b.run) - rankOf(a.run) || b.turn - a.turn;
}
