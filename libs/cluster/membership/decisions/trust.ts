// How long may a replica believe that the others hold it for alive? Until the start of its last successful beat plus
// `deadAfterMs`, less a margin. Counted from the start of the call, because a slow answer must not extend that time
// (the rule is River's; see docs/ARCHITECTURE.md). Trust only reduces overlap; the fences in the database keep a late
// replica from doing harm.

export interface TrustWindow {
  beatStartedAtMs: number;
  deadAfterMs: number;
  marginMs: number;
}

/** A moment on this process's monotonic clock. */
export function trustedUntilMs({ beatStartedAtMs, deadAfterMs, marginMs }: TrustWindow): number {
  return beatStartedAtMs + deadAfterMs - marginMs;
}
