// Which rows of slot_owner must change for the wanted assignment? A slot whose owner is gone gets a new owner at once.
// A slot between two live replicas only gets a target, and its owner hands it over when it has stopped claiming from
// it. A target that is gone or no longer wanted is withdrawn.
import type { ReplicaNumber, Slot } from '#kernel/ids.js';

export interface SlotState {
  slot: Slot;
  owner: ReplicaNumber | null;
  target: ReplicaNumber | null;
}

export type SlotMove =
  | { kind: 'give'; slot: Slot; to: ReplicaNumber | null }
  | { kind: 'ask-hand-over'; slot: Slot; to: ReplicaNumber }
  | { kind: 'withdraw'; slot: Slot };

export interface SlotMovesInput {
  slots: readonly SlotState[];
  /** The wanted owner of each slot, by slot number. */
  wanted: readonly (number | null)[];
  /** Replicas that are active or draining: they can hand over by themselves. */
  alive: ReadonlySet<ReplicaNumber>;
}

export function slotMoves({ slots, wanted, alive }: SlotMovesInput): SlotMove[] {
  return slots.flatMap((state) => {
    // The assignment was computed from replica numbers of this very list, so the brand still holds.
    const to = (wanted[state.slot] ?? null) as ReplicaNumber | null;
    const move = moveOf(state, to, alive);
    return move === null ? [] : [move];
  });
}

function moveOf(
  state: SlotState,
  to: ReplicaNumber | null,
  alive: ReadonlySet<ReplicaNumber>,
): SlotMove | null {
  const { slot, owner, target } = state;
  if (owner === null || !alive.has(owner)) return owner === to ? null : { kind: 'give', slot, to };
  if (to === null || to === owner) return target === null ? null : { kind: 'withdraw', slot };
  return target === to ? null : { kind: 'ask-hand-over', slot, to };
}
