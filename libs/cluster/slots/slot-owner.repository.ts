// The owners of slots.
import { sql } from 'kysely';
import type { Database, Tx } from '#database/connection.js';
import type { ReplicaNumber, Slot, Term } from '#kernel/ids.js';

export interface SlotOwnerRow {
  slot: Slot;
  owner: ReplicaNumber | null;
  epoch: number;
  target: ReplicaNumber | null;
}

export async function listSlots(db: Database): Promise<SlotOwnerRow[]> {
  return db.selectFrom('slot_owner').select(['slot', 'owner', 'epoch', 'target']).orderBy('slot').execute();
}

export async function listSlotsOf(db: Database, replica: ReplicaNumber): Promise<SlotOwnerRow[]> {
  return db
    .selectFrom('slot_owner')
    .select(['slot', 'owner', 'epoch', 'target'])
    .where((where) => where.or([where('owner', '=', replica), where('target', '=', replica)]))
    .execute();
}

export interface PublicOwnerRow {
  slot: Slot;
  /** Where clients reach the owner. */
  url: string;
  /** The slot is handed over, or will be soon. */
  isLeaving: boolean;
}

/** The slots of living owners that have a public URL, without those of one replica. */
export async function listPublicOwners(
  db: Database,
  { except }: { except: ReplicaNumber },
): Promise<PublicOwnerRow[]> {
  const { rows } = await sql<PublicOwnerRow>`
    select s.slot, r.public_url as url, s.target is not null or r.state = 'draining' as "isLeaving"
      from carillon.slot_owner s join carillon.replica r on r.number = s.owner
     where r.public_url is not null and r.state in ('active', 'draining') and r.number <> ${except}`.execute(
    db,
  );
  return rows;
}

export interface Gift {
  slot: Slot;
  /** The owner that the leader saw; if it has changed meanwhile, the slot is left alone. */
  from: ReplicaNumber | null;
  to: ReplicaNumber | null;
}

/** Gives slots of dead or missing owners away. A leader write. */
export async function giveSlots(tx: Tx, gifts: readonly Gift[]): Promise<void> {
  if (gifts.length === 0) return;
  await sql`
    update carillon.slot_owner s
       set owner = g.receiver, epoch = s.epoch + 1, target = null, target_since = null
      from unnest(${gifts.map((gift) => gift.slot)}::smallint[],
                  ${gifts.map((gift) => gift.from)}::int[],
                  ${gifts.map((gift) => gift.to)}::int[]) as g (slot, giver, receiver)
     where s.slot = g.slot and s.owner is not distinct from g.giver`.execute(tx);
}

/** Asks living owners to hand slots over, or with a null target withdraws that. A leader write. */
export async function setTargets(
  tx: Tx,
  targets: readonly { slot: Slot; to: ReplicaNumber | null }[],
): Promise<void> {
  if (targets.length === 0) return;
  await sql`
    update carillon.slot_owner s
       set target = t.target, target_since = case when t.target is null then null else clock_timestamp() end
      from unnest(${targets.map((target) => target.slot)}::smallint[], ${targets.map((target) => target.to)}::int[]) as t (slot, target)
     where s.slot = t.slot and s.target is distinct from t.target`.execute(tx);
}

/**
 * The owner gives up the slots that have a target. The caller holds its gate alone, so none of its claims
 * is in flight: the new owner reads the claims after this commit and sees them all.
 */
export async function handOver(
  tx: Tx,
  { from, slots }: { from: ReplicaNumber; slots: readonly Slot[] },
): Promise<Slot[]> {
  const { rows } = await sql<{ slot: Slot }>`
    update carillon.slot_owner
       set owner = target, epoch = epoch + 1, target = null, target_since = null
     where owner = ${from} and slot = any(${[...slots]}::smallint[]) and target is not null
    returning slot`.execute(tx);
  return rows.map((row) => row.slot);
}

export async function insertRing(
  tx: Tx,
  ring: { term: Term; members: { replica: ReplicaNumber; weight: number }[] },
): Promise<number> {
  const { version } = await tx
    .insertInto('ring')
    .values({ term: ring.term, members: JSON.stringify(ring.members) })
    .returning('version')
    .executeTakeFirstOrThrow();
  return version;
}

export interface RingRow {
  version: number;
  term: Term;
  members: { replica: ReplicaNumber; weight: number }[];
  createdAt: Date;
}

export async function readNewestRing(db: Database): Promise<RingRow | undefined> {
  return db
    .selectFrom('ring')
    .select(['version', 'term', 'members', 'created_at as createdAt'])
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst();
}

export async function ownerOfSlot(db: Database, slot: Slot): Promise<ReplicaNumber | null> {
  const row = await db.selectFrom('slot_owner').select('owner').where('slot', '=', slot).executeTakeFirst();
  return row?.owner ?? null;
}

/** The slot's owner, which stays the owner until commit. */
export async function lockSlotOwner(tx: Tx, slot: Slot): Promise<ReplicaNumber | null> {
  const row = await tx
    .selectFrom('slot_owner')
    .select('owner')
    .where('slot', '=', slot)
    .forShare()
    .executeTakeFirst();
  return row?.owner ?? null;
}
