// Which endpoints are down at the moment? This replica keeps a circuit for each tenant's use of each origin, so that
// one tenant's failures never stop another tenant's calls.
import type { Clock, Random } from '#kernel/clock.js';
import { Remembered } from '#kernel/remembered.js';
import { CLOSED, permitCall, recordResult, type Circuit, type CircuitRule } from './decisions/circuit.js';

const RULE: CircuitRule = { failuresMax: 10, openMs: 15_000, openMsMax: 300_000 };
/** Forgetting a circuit costs a few calls that fail. */
const REMEMBERED_MAX = 10_000;

export class Circuits {
  readonly #circuits = new Remembered<string, Circuit>({ max: REMEMBERED_MAX });

  constructor(
    private readonly clock: Clock,
    private readonly random: Random,
  ) {}

  /** Null when a call may be made, whose result must be recorded; else the milliseconds to wait before asking again. */
  permitCall(key: string): number | null {
    const permit = permitCall(this.#circuits.get(key) ?? CLOSED, this.clock.monotonicMs());
    // Spread, so that not all calls come at once when it opens again.
    if (permit.kind === 'wait') return Math.ceil(permit.ms * (1 + this.random()));
    this.#set(key, permit.circuit);
    return null;
  }

  recordResult(key: string, succeeded: boolean): void {
    const nowMs = this.clock.monotonicMs();
    this.#set(key, recordResult(this.#circuits.get(key) ?? CLOSED, { succeeded, nowMs, rule: RULE }));
  }

  #set(key: string, circuit: Circuit): void {
    if (circuit.kind === 'closed' && circuit.failures === 0) this.#circuits.delete(key);
    else this.#circuits.set(key, circuit);
  }
}
