// A slot whose hand-over was called off comes back in the same epoch. Do its limited runs go on?
import { expect, it } from 'vitest';
import type { Incarnation, Membership } from '#cluster/membership/membership.js';
import type { OwnershipLoop } from '#cluster/slots/ownership-loop.js';
import { ClaimLoop } from '#execution/claiming/claim-loop.js';
import { DEFAULT_CLAIM_SETTINGS } from '#execution/claiming/claim-settings.js';
import { HeldRuns } from '#execution/held/held-runs.js';
import { LaneRulesBook } from '#execution/limits/lane-rules-book.js';
import { Occupancy } from '#execution/limits/occupancy.js';
import { asId } from '#kernel/ids.js';
import { claimedRun } from '../../support/builders.js';
import { useTestDatabase } from '../../support/test-database.js';

const { db } = useTestDatabase();

const slot = asId.slot(7);
const clock = { monotonicMs: () => 0, now: () => new Date(0) };

it('the runs of the slot are counted again, with no pass while it was away', async () => {
  const incarnation = { db, replica: asId.replica(1) } as Incarnation; // all that is asked of it
  const membership = { trusted: () => incarnation, isDraining: false } as Membership;
  const ownership = { serving: new Map([[slot, 2]]) };
  const [rules, occupancy] = [new LaneRulesBook(), new Occupancy()];
  const held = new HeldRuns({ held: 10, running: 10 }, rules, occupancy);
  const claim = new ClaimLoop(membership, ownership as unknown as OwnershipLoop, held, {
    settings: DEFAULT_CLAIM_SETTINGS,
    clock,
    lateMs: 10_000,
    stillToStart: (_tx, { runs }) => Promise.resolve(runs),
    rules,
    occupancy,
  });
  const isCounted = (): boolean => occupancy.of(claimedRun({ slot })) !== null;
  const serve = (epochs: typeof ownership.serving): void => {
    ownership.serving = epochs;
    claim.onOwnershipChanged();
  };

  await claim.runOnce();
  expect(isCounted()).toBe(true);
  serve(new Map());
  expect(isCounted()).toBe(false);
  serve(new Map([[slot, 2]]));
  await claim.runOnce();
  expect(isCounted()).toBe(true);
});
