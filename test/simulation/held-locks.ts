// Who holds which advisory lock? Those of a session last until it ends and count how often they were taken;
// the gates last until their transaction ends.
import { GATE_TURN, NAMED_LOCK, REPLICA_GATE, RUN_LOG_LOCK } from '#database/advisory-locks.js';
import type { Session } from './session.js';
import type { Gate } from './transaction.js';

/** Locks of a transaction. */
const GATES: ReadonlySet<number> = new Set([GATE_TURN, NAMED_LOCK, REPLICA_GATE, RUN_LOG_LOCK]);

export class HeldLocks {
  readonly #held = new Map<string, { session: Session; times: number }>();
  readonly #gates = new Map<string, Gate>();

  try(session: Session, lock: number, key: number): boolean {
    const name = `${lock}/${key}`;
    const held = this.#held.get(name);
    if (held === undefined) this.#held.set(name, { session, times: 1 });
    else if (held.session === session) held.times += 1;
    else return false;
    return true;
  }

  unlock(session: Session, lock: number, key: number): boolean {
    const name = `${lock}/${key}`;
    const held = this.#held.get(name);
    if (held?.session !== session) return false;
    held.times -= 1;
    if (held.times === 0) this.#held.delete(name);
    return true;
  }

  holderOf(lock: number, key: number): Session | null {
    return this.#held.get(`${lock}/${key}`)?.session ?? null;
  }

  releaseAll(session: Session): void {
    for (const [name, held] of this.#held) if (held.session === session) this.#held.delete(name);
  }

  gate(lock: number, key: number | string): Gate {
    if (!GATES.has(lock)) throw new Error(`expected a lock that the model knows, got ${lock}`);
    const name = `${lock}/${key}`;
    let gate = this.#gates.get(name);
    if (gate === undefined) {
      gate = { shared: new Set(), exclusive: null, queue: [] };
      this.#gates.set(name, gate);
    }
    return gate;
  }
}
