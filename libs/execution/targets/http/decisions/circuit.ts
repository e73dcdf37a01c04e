// Is it worth calling this endpoint now? A circuit breaker as a pure table. Closed: calls go through. After enough
// failures in a row it opens, and no call is made. When its time is up it is half open: one call tries, and its
// result closes the circuit or opens it again for twice as long. Runs that meet an open circuit are
// put off without using an attempt, because it is not they that failed.

export type Circuit =
  | { kind: 'closed'; failures: number }
  | { kind: 'open'; untilMs: number; openMs: number }
  /** One call is under way, and has until then to come back. */
  | { kind: 'half-open'; untilMs: number; openMs: number };

export const CLOSED: Circuit = { kind: 'closed', failures: 0 };

export interface CircuitRule {
  /** So many failures in a row open it. */
  failuresMax: number;
  /** For how long it opens first. */
  openMs: number;
  openMsMax: number;
}

export type Permit = { kind: 'call'; circuit: Circuit } | { kind: 'wait'; ms: number };

/** May a call be made? `ms` is how long to wait before asking again. */
export function permitCall(circuit: Circuit, nowMs: number): Permit {
  if (circuit.kind === 'closed') return { kind: 'call', circuit };
  if (nowMs < circuit.untilMs) return { kind: 'wait', ms: circuit.untilMs - nowMs };
  // The trial, too, may never come back; then the next one tries.
  return {
    kind: 'call',
    circuit: { kind: 'half-open', untilMs: nowMs + circuit.openMs, openMs: circuit.openMs },
  };
}

/** What the circuit is once a call has come back. */
export function recordResult(
  circuit: Circuit,
  { succeeded, nowMs, rule }: { succeeded: boolean; nowMs: number; rule: CircuitRule },
): Circuit {
  if (succeeded) return CLOSED;
  switch (circuit.kind) {
    case 'closed': {
      const failures = circuit.failures + 1;
      if (failures < rule.failuresMax) return { kind: 'closed', failures };
      return { kind: 'open', untilMs: nowMs + rule.openMs, openMs: rule.openMs };
    }
    case 'half-open': {
      const openMs = Math.min(rule.openMsMax, circuit.openMs * 2);
      return { kind: 'open', untilMs: nowMs + openMs, openMs };
    }
    case 'open': // a call that began before it opened
      return circuit;
  }
}
