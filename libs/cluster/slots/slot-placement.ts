// When do slots move? When the set of living replicas with the role `worker` has changed since the last placement. The
// leader then computes the wanted owner of each slot and writes the difference, with a new ring version, in one
// transaction. It repeats until a pass finds nothing to write, since owners hand over meanwhile. A replica that left
// after it had handed all over moves nothing more, but makes a ring without it.
import { isDeepStrictEqual } from 'node:util';
import { placementHash } from '#database/runtime/hash.js';
import type { ReplicaNumber } from '#kernel/ids.js';
import { insertEvent } from '#cluster/cluster-event.repository.js';
import { assignSlots } from './decisions/slot-assignment.js';
import { slotMoves, type SlotMove } from './decisions/slot-moves.js';
import type { HintsLoop } from '#cluster/hints/hints-loop.js';
import type { Leader, Leadership } from '#cluster/leadership/leadership.js';
import {
  giveSlots,
  insertRing,
  listSlots,
  readNewestRing,
  setTargets,
  type SlotOwnerRow,
} from './slot-owner.repository.js';

/** What the sweep has found alive. */
export interface LivingReplica extends Member {
  state: 'active' | 'draining';
  roles: readonly string[];
}

interface Member {
  replica: ReplicaNumber;
  weight: number;
}

export class SlotPlacement {
  #placedFor = '';

  constructor(
    private readonly leadership: Leadership,
    private readonly hints: HintsLoop,
  ) {}

  async placeSlots(leader: Leader, living: readonly LivingReplica[]): Promise<void> {
    const members = membersOf(living);
    const key = JSON.stringify([leader.term, members, living.map((row) => row.replica)]);
    if (key === this.#placedFor) return;
    const { db } = leader.incarnation;
    const slots = await listSlots(db);
    const moves = plan(slots, members, new Set(living.map((row) => row.replica)));
    if (moves.length === 0 && isDeepStrictEqual((await readNewestRing(db))?.members, members)) {
      this.#placedFor = key;
      return;
    }
    // Forgotten before anything moves: if the former replicas were alive again next time, the slots would still lie
    // where this placement has moved them.
    this.#placedFor = '';
    const result = await this.leadership.write(leader, async (tx) => {
      const from = new Map(slots.map((row) => [row.slot, row.owner]));
      await giveSlots(
        tx,
        moves
          .filter((move) => move.kind === 'give')
          .map(({ slot, to }) => ({ slot, to, from: from.get(slot) ?? null })),
      );
      await setTargets(
        tx,
        moves.filter((move) => move.kind !== 'give').map((move) => ({ slot: move.slot, to: targetOf(move) })),
      );
      const ringVersion = await insertRing(tx, { term: leader.term, members });
      if (moves.length === 0) return;
      await insertEvent(tx, {
        type: 'slots-moved',
        term: leader.term,
        data: { ringVersion, members, ...countByKind(moves) },
      });
    });
    if (result.kind === 'done') this.hints.send({ kind: 'slots' });
  }
}

/** Every living replica counts; one that drains or does no work has no weight and so gets no slot. */
function membersOf(living: readonly LivingReplica[]): Member[] {
  return living
    .filter((row) => row.roles.includes('worker'))
    .map(({ replica, weight, state }) => ({ replica, weight: state === 'active' ? weight : 0 }));
}

function plan(
  slots: readonly SlotOwnerRow[],
  members: Member[],
  alive: ReadonlySet<ReplicaNumber>,
): SlotMove[] {
  const wanted = assignSlots({
    slotCount: slots.length,
    members,
    // A slot being handed over counts as its receiver's, or a half-filled joiner would look filled enough.
    currentOwners: slots.map((row) => row.target ?? row.owner),
    hash: placementHash,
  });
  return slotMoves({ slots, wanted, alive });
}

function targetOf(move: SlotMove): ReplicaNumber | null {
  return move.kind === 'ask-hand-over' ? move.to : null;
}

function countByKind(moves: readonly SlotMove[]): { given: number; asked: number } {
  return {
    given: moves.filter((move) => move.kind === 'give').length,
    asked: moves.filter((move) => move.kind === 'ask-hand-over').length,
  };
}
