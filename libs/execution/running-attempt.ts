// What does the executor know of an attempt that is under way, and when has it taken too long? All moments are on this
// process's monotonic clock.
import type { HeldRun } from './held-run.js';
import type { StopSwitch } from './stop-switch.js';

export interface RunningAttempt {
  readonly held: HeldRun;
  readonly startedAt: Date;
  readonly startedAtMs: number;
  readonly stop: StopSwitch;
  readonly giveUp: StopSwitch;
  timeoutMs: number;
  /** When it has taken too long. */
  timeoutAtMs: number;
  /** Null when it need not say that it is alive. */
  heartbeatMs: number | null;
  /** When it has been silent for too long. */
  silentAtMs: number;
  /** When its run is over, whatever it does. */
  deadlineAtMs: number;
  /** When it is given up, once it was told to stop. */
  graceEndsAtMs: number;
  /** Whether the claim's row says when it began. */
  isNoted: boolean;
}

/** What will stop it next, and when. */
export function overdueOf({ timeoutAtMs, silentAtMs, deadlineAtMs }: RunningAttempt) {
  const atMs = Math.min(timeoutAtMs, silentAtMs, deadlineAtMs);
  if (atMs === deadlineAtMs) return { atMs, why: 'deadline' } as const;
  return atMs === timeoutAtMs
    ? ({ atMs, why: 'timeout' } as const)
    : ({ atMs, why: 'heartbeat-missed' } as const);
}
