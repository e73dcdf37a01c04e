// Takes one step of an operation: a bounded number of its items, in one transaction with the position in them. It is safe
// to call for one operation in several replicas at once, and again after any failure.
import { withClaimsHeldOff } from '#cluster/slots/claims-hold.js';
import { inTransaction, type Database, type Tx } from '#database/connection.js';
import type { OperationId, Slot } from '#kernel/ids.js';
import { nextStep } from './decisions/next-step.js';
import type { HeldOperation, OperationKind } from './operation.js';
import * as rows from './operation.repository.js';

/** A replica that has not taken a step for so long does not carry the operation any more. */
export const CARRIED_MS = 10_000;
/** A hanging owner is replaced in a few seconds. */
const GATE_WAIT_MS = 2_000;

/** `over`: it has ended, another replica is at it, or this version does not know its kind. */
export type StepEnd = { kind: 'moved'; slot: Slot } | { kind: 'waits' | 'over' };

const OVER = { kind: 'over' } as const;
const WAITS = { kind: 'waits' } as const;

export type OperationKinds = ReadonlyMap<string, OperationKind>;

export async function takeStep(db: Database, id: OperationId, kinds: OperationKinds): Promise<StepEnd> {
  const found = await rows.findCarried(db, id);
  const kind = found && kinds.get(found.kind);
  if (found === undefined || kind === undefined) return OVER;
  const act = (tx: Tx): Promise<StepEnd> => stepIn(tx, id, kind);
  if (!kind.holdsOffClaims) return inTransaction(db, act);
  return (await withClaimsHeldOff(db, found.slot, { waitMs: GATE_WAIT_MS }, act)) ?? WAITS;
}

async function stepIn(tx: Tx, id: OperationId, kind: OperationKind): Promise<StepEnd> {
  const held = await rows.holdOperation(tx, { id, items: kind.itemsPerStep });
  if (held === undefined) return OVER;
  const { left, tenant } = held;
  const { worksWhileSuspended } = kind;
  switch (nextStep({ left, isTenantActive: tenant.isActive, worksWhileSuspended })) {
    case 'succeed':
      await rows.endOperation(tx, { id, error: null });
      return OVER;
    case 'wait':
      return WAITS;
    case 'act':
      return actOn(tx, held, kind);
  }
}

async function actOn(tx: Tx, held: HeldOperation, kind: OperationKind): Promise<StepEnd> {
  const { id } = held;
  const result = await kind.step(tx, held);
  switch (result.kind) {
    case 'waits':
      return WAITS;
    case 'fails':
      await rows.endOperation(tx, { id, error: result.error });
      return OVER;
    case 'moved': {
      const { done, counts, unfinishedRuns = [] } = result;
      await rows.recordStep(tx, { id, done, counts, unfinishedRuns, forMs: CARRIED_MS });
      return { kind: 'moved', slot: held.tenant.slot };
    }
  }
}
