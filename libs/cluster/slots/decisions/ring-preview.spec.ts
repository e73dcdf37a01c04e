// Does the preview say what would really move?
import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { asId } from '#kernel/ids.js';
import { previewRing } from './ring-preview.js';
import { assignSlots } from './slot-assignment.js';

const hash = (text: string): number => createHash('sha256').update(text).digest().readUIntBE(0, 6);
const members = [1, 2, 3].map((replica) => ({ replica: asId.replica(replica), weight: 1 }));
const currentOwners = assignSlots({ slotCount: 1024, members, currentOwners: [], hash }).map((owner) =>
  owner === null ? null : asId.replica(owner),
);

it('a leave moves the slots of the leaver and no others', () => {
  const { movedSlots, members: after } = previewRing({
    currentOwners,
    members,
    change: { kind: 'leave', replica: asId.replica(2) },
    hash,
  });
  const leaver = after.find((member) => member.replica === 2);
  expect(movedSlots).toBe(leaver?.slotsNow);
  expect(leaver?.slotsThen).toBe(0);
  expect(after.reduce((sum, member) => sum + member.slotsThen, 0)).toBe(1024);
});

it('a join moves the newcomer its fair share, under the next number', () => {
  const { movedSlots, members: after } = previewRing({
    currentOwners,
    members,
    change: { kind: 'join', weight: 1 },
    hash,
  });
  const newcomer = after.find((member) => member.replica === 4);
  expect(newcomer).toMatchObject({ slotsNow: 0, slotsThen: movedSlots });
  expect(movedSlots).toBe(256);
});
