// How long may a replica believe that it is still alive in the eyes of the others? Until its last
// successful beat's start plus `deadAfterMs`, less a margin. Counted from the start of the call, because a
// slow answer must not stretch that time (the rule is River's; see docs/ARCHITECTURE.md). Leases only
// reduce overlap; what keeps a late replica from doing harm are the fences in the database.

export interface TrustWindow {
  beatStartedAtMs: number;
  deadAfterMs: number;
  marginMs: number;
}

/** A moment on this process's monotonic clock. */
export function trustedUntilMs({ beatStartedAtMs, deadAfterMs, marginMs }: TrustWindow): number {
  return beatStartedAtMs + deadAfterMs - marginMs;
}
