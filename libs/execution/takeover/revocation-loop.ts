// Takes a dead replica's runs back. The leader revokes its claims, a bounded number in each transaction, so that the
// death of one replica with many runs does not stall the others. The owners of the slots then find the runs free again.
// It runs after each death, and again now and then until nothing is left.
import { insertEvent } from '#cluster/cluster-event.repository.js';
import type { HintsLoop } from '#cluster/hints/hints-loop.js';
import type { Leader, Leadership } from '#cluster/leadership/leadership.js';
import type { ReplicaNumber, Slot } from '#kernel/ids.js';
import { SLEEP_MS, type Loop } from '#kernel/loop.js';
import { isPoison, poisonError } from './decisions/poison.js';
import * as revocation from './revocation.repository.js';

const CLAIMS_PER_PASS = 20;
/** A locked claim of a dead replica is tried again this soon. */
const AGAIN_MS = 100;

export class RevocationLoop implements Loop {
  readonly name = 'revocation';

  constructor(
    private readonly leadership: Leadership,
    private readonly hints: HintsLoop,
  ) {}

  async runOnce(): Promise<number> {
    const leader = this.leadership.current();
    if (leader === null) return SLEEP_MS;
    if (!(await revocation.hasVoidClaims(leader.incarnation.db))) return SLEEP_MS;
    const slots = await this.#revoke(leader);
    if (slots.length > 0) {
      this.hints.send({ kind: 'work', slots });
      // They may have held locks.
      this.hints.send({ kind: 'locks' });
    }
    return slots.length > 0 ? 0 : AGAIN_MS;
  }

  async #revoke(leader: Leader): Promise<Slot[]> {
    const result = await this.leadership.write(leader, async (tx) => {
      const claims = await revocation.deleteVoidClaims(tx, { limit: CLAIMS_PER_PASS });
      const slots = new Set<Slot>();
      for (const claim of byReplica(claims)) {
        const { replica } = claim;
        const lost = await revocation.requeueLost(tx, claim);
        const poison = lost.filter(isPoison);
        // One by one, because each has an error of its own; quarantine keeps them few.
        for (const run of poison)
          await revocation.deadLetter(tx, { replica, runIds: [run.id], error: poisonError(run) });
        for (const { slot } of lost) slots.add(slot);
        const data = { runs: lost.length - poison.length, deadLettered: poison.length };
        await insertEvent(tx, { type: 'claims-revoked', term: leader.term, replica, data });
      }
      return [...slots];
    });
    return result.kind === 'done' ? result.value : [];
  }
}

/** Merges the claims of each dead replica into one. */
function byReplica(claims: readonly revocation.VoidClaim[]): revocation.VoidClaim[] {
  const whole = new Map<ReplicaNumber, revocation.VoidClaim>();
  for (const claim of claims) {
    const { replica } = claim;
    const before = whole.get(replica);
    whole.set(replica, {
      replica,
      runIds: [...(before?.runIds ?? []), ...claim.runIds],
      started: { ...before?.started, ...claim.started },
    });
  }
  return [...whole.values()];
}
