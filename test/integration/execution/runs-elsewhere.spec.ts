// When does an owner read again which runs of its slots are elsewhere?
import { expect, it } from 'vitest';
import type { Incarnation } from '#cluster/membership/membership.js';
import { RunsElsewhere } from '#execution/claiming/runs-elsewhere.js';
import { asId } from '#kernel/ids.js';
import { useTestDatabase } from '../../support/test-database.js';

const { db } = useTestDatabase();

const clock = { monotonicMs: () => 0, now: () => new Date(0) };
const slot = asId.slot(7);

it('the list of a slot is read again after its hand-over was called off, with no pass in between', async () => {
  const elsewhere = new RunsElsewhere(clock);
  const incarnation = { db, replica: asId.replica(1) } as Incarnation; // all that is asked of it
  const refresh = (serving: ReadonlyMap<typeof slot, number>) =>
    elsewhere.refresh(incarnation, { serving, hinted: new Set(), parked: [] });
  expect(await refresh(new Map([[slot, 2]]))).toEqual([]);
  expect(await refresh(new Map([[slot, 2]]))).toBeNull();
  elsewhere.keepOnly(new Map());
  expect(elsewhere.epochOf(slot)).toBeUndefined();
  expect(await refresh(new Map([[slot, 2]]))).toEqual([]);
  expect(elsewhere.epochOf(slot)).toBe(2);
});
