// Does the circuit spare an endpoint that is down, and find out soon that it is back?
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CLOSED, permitCall, recordResult, type Circuit } from './circuit.js';

const rule = { failuresMax: 3, openMs: 1_000, openMsMax: 3_000 };
const after = (circuit: Circuit, succeeded: boolean, nowMs = 0) =>
  recordResult(circuit, { succeeded, nowMs, rule });
const open: Circuit = { kind: 'open', untilMs: 1_000, openMs: 1_000 };

describe('a circuit', () => {
  it('opens after enough failures in a row, and not before', () => {
    const twice = after(after(CLOSED, false), false);
    expect(permitCall(twice, 0).kind).toBe('call');
    expect(after(twice, false)).toEqual(open);
    expect(after(after(twice, true), false)).toEqual({ kind: 'closed', failures: 1 });
  });

  it('lets nobody through while it is open, and says how long', () => {
    expect(permitCall(open, 400)).toEqual({ kind: 'wait', ms: 600 });
  });

  it('lets exactly one call try when its time is up', () => {
    const trial = permitCall(open, 1_000);
    expect(trial).toEqual({ kind: 'call', circuit: { kind: 'half-open', untilMs: 2_000, openMs: 1_000 } });
    expect(trial.kind === 'call' && permitCall(trial.circuit, 1_001)).toEqual({ kind: 'wait', ms: 999 });
  });

  it('closes when the trial succeeds, and opens for twice as long, up to a limit, when it fails', () => {
    const trial: Circuit = { kind: 'half-open', untilMs: 2_000, openMs: 1_000 };
    expect(after(trial, true, 1_500)).toEqual(CLOSED);
    expect(after(trial, false, 1_500)).toEqual({ kind: 'open', untilMs: 3_500, openMs: 2_000 });
    expect(after({ ...trial, openMs: 2_000 }, false, 0)).toEqual({
      kind: 'open',
      untilMs: 3_000,
      openMs: 3_000,
    });
  });

  it('lets another call try when a trial never comes back', () => {
    expect(permitCall({ kind: 'half-open', untilMs: 2_000, openMs: 1_000 }, 2_000).kind).toBe('call');
  });

  it('is not kept open by calls that began before it opened', () => {
    expect(after(open, false, 999)).toEqual(open);
    expect(after(open, true, 999)).toEqual(CLOSED);
  });

  it('never keeps anybody waiting for longer than its longest time, whatever happened', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ succeeded: fc.boolean(), stepMs: fc.nat(5_000) })), (calls) => {
        let circuit: Circuit = CLOSED;
        let nowMs = 0;
        for (const { succeeded, stepMs } of calls) {
          nowMs += stepMs;
          const permit = permitCall(circuit, nowMs);
          if (permit.kind === 'wait') expect(permit.ms).toBeLessThanOrEqual(rule.openMsMax);
          else circuit = after(permit.circuit, succeeded, nowMs);
        }
      }),
    );
  });
});
