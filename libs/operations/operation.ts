// An operation: long work that a request has started and that goes on without it. It has a list of items, decided upon when
// it begins, and a position in it. Its kind knows how to deal with a few of them in one transaction, which also moves the
// position on: so a crash repeats nothing, and two replicas that carry one operation do its steps in turns.
import type { Tx } from '#database/connection.js';
import type { OperationId, RunId, Slot, TenantId } from '#kernel/ids.js';

/** An operation that is held for a step. */
export interface HeldOperation {
  id: OperationId;
  tenant: {
    id: TenantId;
    slot: Slot;
    isActive: boolean;
    /** How many unfinished runs it may have; null for any number. */
    maxQueued: number | null;
  };
  target: string | null;
  input: unknown;
  /** The next items, at most as many as one step may deal with. */
  items: readonly string[];
  /** How many items are left, with those. */
  left: number;
  /** The runs that it has made, as far as they were not over after its last step. */
  unfinishedRuns: readonly RunId[];
}

export type StepResult =
  | {
      kind: 'moved';
      /** How many of the items were dealt with. */
      done: number;
      /** What became of them, to be added to what became of the others. */
      counts: Readonly<Record<string, number>>;
      unfinishedRuns?: readonly RunId[];
    }
  /** Nothing can be done at present. */
  | { kind: 'waits' }
  /** It can't be done at all any more. */
  | { kind: 'fails'; error: string };

export interface OperationKind {
  name: string;
  itemsPerStep: number;
  /** Whether the step changes runs that the owner of the tenant's slot may be claiming. */
  holdsOffClaims: boolean;
  worksWhileSuspended: boolean;
  step: (tx: Tx, operation: HeldOperation) => Promise<StepResult>;
}
