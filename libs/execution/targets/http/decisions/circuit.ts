// Is it worth calling this endpoint now? A circuit breaker as a pure table. Closed: calls go through. After enough
// failures in a row it opens, and no call is made. When its time is up it is half open: one call tries, and its result
// closes the circuit or opens it again for twice as long. A run that meets an open circuit is put off without using an
// attempt, because the run has not failed.

export type Circuit =
  | { kind: 'closed'; failures: number }
  | { kind: 'open'; untilMs: number; openMs: number }
  /** One call is under way, and has until `untilMs` to return. */
  | { kind: 'half-open'; untilMs: number; openMs: number };

export const CLOSED: Circuit = { kind: 'closed', failures: 0 };

export interface CircuitRule {
  /** This many failures in a row open it. */
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
  // The trial call may never return; then the next call is a trial.
  return {
    kind: 'call',
    circuit: { kind: 'half-open', untilMs: nowMs + circuit.openMs, openMs: circuit.openMs },
  };
}

/** The circuit after a call has returned. */
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
