// What does a replica know about a run that it holds in memory?
import type { ClaimedRun } from '#execution/runs/claimed-run.js';
import type { LaneAccount } from './held-accounts.js';

export interface HeldRun {
  readonly run: ClaimedRun;
  /** Where it is counted. */
  readonly account: LaneAccount;
  /** On this process's monotonic clock; never before the database's run_at (I6). */
  startAtMs: number;
  /** The order in which runs were claimed. */
  readonly turn: number;
  state: 'waiting' | 'running' | 'ended';
  /** When it was last started, on the same clock. */
  begunAtMs: number;
  /** A request to cancel it came after it was taken to be started: the start loop must not start it. */
  isUnwanted: boolean;
  /** What its start has cost its tenant, in virtual milliseconds. */
  charged: number;
}
