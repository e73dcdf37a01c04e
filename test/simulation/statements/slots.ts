// What do statements about slots and the ring mean?
import type { ModelDatabase, RingRow, SlotRow } from '../model-database.js';
import { answer, BLOCKED, changed, zipped, type Meaning, type Scene } from './meaning.js';

export const SLOT_STATEMENTS: readonly Meaning[] = [
  {
    name: 'listSlots',
    says: ['select "slot", "owner", "epoch", "target" from "carillon"."slot_owner" order by "slot"'],
    run: ({ db }) => answer(db.slot.rows()),
  },
  {
    name: 'listSlotsOf',
    says: [
      'select "slot", "owner", "epoch", "target" from "carillon"."slot_owner" where ("owner" = $1 or "target" = $2)',
    ],
    run: ({ db, params, broken }) => {
      const rows = db.slot.rows().filter(({ owner, target }) => owner === params[0] || target === params[1]);
      return answer(
        broken.has('claims without the epoch of their slot')
          ? rows.map((row) => ({ ...row, epoch: 0 }))
          : rows,
      );
    },
  },
  {
    name: 'giveSlots',
    says: ['update carillon.slot_owner s set owner = g.receiver'],
    run: giveSlots,
  },
  {
    name: 'setTargets',
    says: ['update carillon.slot_owner s set target = t.target'],
    run: setTargets,
  },
  {
    name: 'handOver',
    says: ['update carillon.slot_owner set owner = target, epoch = epoch + 1'],
    run: handOver,
  },
  {
    name: 'insertRing',
    says: ['insert into "carillon"."ring"'],
    run: ({ db, tx, params, broken }) => {
      const members = JSON.parse(String(params[1])) as RingRow['members'];
      const former = newestRing(db)?.members ?? [];
      const kept = broken.has('rings that keep who has left')
        ? former.filter(({ replica }) => members.every((member) => member.replica !== replica))
        : [];
      const version = db.next('ring');
      db.ring.lock(version, tx, 'write');
      db.ring.write(version, tx, { version, members: [...members, ...kept] });
      return answer([{ version }], 'INSERT');
    },
  },
  {
    name: 'readNewestRing',
    says: [
      'select "version", "term", "members", "created_at" as "createdAt" from "carillon"."ring" order by "version" desc limit $1',
    ],
    run: ({ db }) => {
      const newest = newestRing(db);
      return answer(newest === undefined ? [] : [newest]);
    },
  },
];

export function newestRing(db: ModelDatabase): RingRow | undefined {
  return db.ring.rows().toSorted((a, b) => b.version - a.version)[0];
}

/** The rows that the predicate holds for, locked; it is asked again once the lock is there. */
function lockSlots(
  { db, tx }: Scene,
  slots: readonly number[],
  holds: (row: SlotRow, index: number) => boolean,
): (SlotRow | null)[] | typeof BLOCKED {
  const rows: (SlotRow | null)[] = [];
  for (const [index, slot] of slots.entries()) {
    const before = db.slot.get(slot, tx);
    if (before === null || !holds(before, index)) {
      rows.push(null);
      continue;
    }
    if (!db.slot.lock(slot, tx, 'write')) return BLOCKED;
    const row = db.slot.get(slot, tx);
    rows.push(row !== null && holds(row, index) ? row : null);
  }
  return rows;
}

function giveSlots(scene: Scene): ReturnType<Meaning['run']> {
  if (scene.broken.has('slots of the dead stay where they are')) return changed(0);
  const gifts = zipped(...scene.params) as [number, number | null, number | null][];
  const rows = lockSlots(
    scene,
    gifts.map(([slot]) => slot),
    ({ owner }, index) => owner === gifts[index]?.[1],
  );
  if (rows === BLOCKED) return BLOCKED;
  let count = 0;
  for (const [index, row] of rows.entries()) {
    if (row === null) continue;
    give(scene, row, gifts[index]?.[2] ?? null);
    count += 1;
  }
  return changed(count);
}

function give({ db, tx }: Scene, row: SlotRow, to: number | null): void {
  db.slot.write(row.slot, tx, { ...row, owner: to, epoch: row.epoch + 1, target: null });
  tx.acts.push({ kind: 'gift', slot: row.slot, from: row.owner });
}

function setTargets(scene: Scene): ReturnType<Meaning['run']> {
  const targets = zipped(...scene.params) as [number, number | null][];
  const rows = lockSlots(
    scene,
    targets.map(([slot]) => slot),
    ({ target }, index) => target !== targets[index]?.[1],
  );
  if (rows === BLOCKED) return BLOCKED;
  for (const [index, row] of rows.entries()) {
    const target = targets[index]?.[1] ?? null;
    if (row === null) continue;
    if (target !== null && scene.broken.has('slots taken from a living owner without a hand-over'))
      give(scene, row, target);
    else scene.db.slot.write(row.slot, scene.tx, { ...row, target });
  }
  return changed(rows.filter((row) => row !== null).length);
}

function handOver(scene: Scene): ReturnType<Meaning['run']> {
  const { db, tx, params } = scene;
  const [from, slots] = params as [number, number[]];
  const rows = lockSlots(scene, slots, ({ owner, target }) => owner === from && target !== null);
  if (rows === BLOCKED) return BLOCKED;
  const handed = rows.filter((row) => row !== null);
  for (const row of handed) {
    db.slot.write(row.slot, tx, { ...row, owner: row.target, epoch: row.epoch + 1, target: null });
    tx.acts.push({ kind: 'hand-over', replica: from, slot: row.slot, from: row.owner });
  }
  return answer(
    handed.map(({ slot }) => ({ slot })),
    'UPDATE',
  );
}
