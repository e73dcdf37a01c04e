// How do runs come in? In one transaction, however many: unique keys are taken or found held, what is new is
// inserted, and what should be replaced is replaced while its owner can't claim it. Nothing that is expected to
// happen throws; each run is told what became of it.
import { holdOffClaims } from '#cluster/claims-hold.js';
import { inTransaction, type Database, type Tx } from '#database/connection.js';
import type { RunId, TenantId } from '#kernel/ids.js';
import type { RunRow } from './run-row.js';
import { findUnclaimed, insertAndShowRun, insertRuns, replaceRun, type NewRun } from './run.repository.js';
import * as keys from './unique-key.repository.js';

export interface UniqueWish {
  key: string;
  /** How long the key is held; null: until the run has ended. */
  windowMs: number | null;
  /** What to do when a run holds the key: nothing, give that run these values, or refuse. */
  onConflict: 'return' | 'replace' | 'reject';
}

export interface Enqueue {
  run: NewRun;
  unique: UniqueWish | null;
}

export type Enqueued =
  | { kind: 'created'; id: RunId }
  /** The key is held by this run, and nothing was done. */
  | { kind: 'returned'; id: RunId }
  /** The run that holds the key has these values now. */
  | { kind: 'replaced'; id: RunId }
  | { kind: 'key-taken'; id: RunId }
  /** The run that holds the key is claimed, has had an attempt, or has ended. */
  | { kind: 'not-replaceable'; id: RunId }
  | { kind: 'over-quota' };

const ROWS_PER_INSERT = 1_000;

/** All are of one tenant. At most `room` runs are created, the first ones; the others are over quota. */
export async function enqueueRuns(
  db: Database,
  entries: readonly Enqueue[],
  { room }: { room: number },
): Promise<Enqueued[]> {
  const isKeyed = entries.some(({ unique }) => unique !== null);
  if (isKeyed) return inTransaction(db, (tx) => enqueueKeyed(tx, entries, room));
  const runs = entries.slice(0, room).map(({ run }) => run);
  if (runs.length <= ROWS_PER_INSERT) await insertAll(db, runs);
  else await inTransaction(db, (tx) => insertAll(tx, runs));
  return entries.map(({ run }, index) =>
    index < room ? { kind: 'created', id: run.id } : { kind: 'over-quota' },
  );
}

/** One run that comes alone. With its row if it was created without a key, which is known then without asking again. */
export async function enqueueRun(
  db: Database,
  entry: Enqueue,
  { room }: { room: number },
): Promise<{ result: Enqueued; row: RunRow | null }> {
  if (entry.unique === null && room >= 1) {
    const row = await insertAndShowRun(db, entry.run, null);
    if (row === undefined) throw new Error(`expected run ${entry.run.id} to be inserted, got no row`);
    return { result: { kind: 'created', id: row.id }, row };
  }
  const [result = { kind: 'over-quota' as const }] = await enqueueRuns(db, [entry], { room });
  return { result, row: null };
}

async function enqueueKeyed(tx: Tx, entries: readonly Enqueue[], room: number): Promise<Enqueued[]> {
  const holders = await takeKeys(tx, entries);
  const created = new Map<RunId, NewRun>();
  const replacing: { place: number; run: NewRun }[] = [];
  const untaken: string[] = [];
  const results = entries.map(({ run, unique }, place): Enqueued => {
    const holder = unique === null ? run.id : (holders.get(unique.key) ?? run.id);
    if (holder === run.id) {
      if (created.size < room) created.set(run.id, run);
      else if (unique !== null) untaken.push(unique.key);
      return created.has(run.id) ? { kind: 'created', id: run.id } : { kind: 'over-quota' };
    }
    // The holder may be one of this batch, which came before and found no room.
    if (unique === null || untaken.includes(unique.key)) return { kind: 'over-quota' };
    if (unique.onConflict === 'return') return { kind: 'returned', id: holder };
    if (unique.onConflict === 'reject') return { kind: 'key-taken', id: holder };
    const replaced = { ...run, id: holder };
    if (created.has(holder)) created.set(holder, replaced);
    else replacing.push({ place, run: replaced });
    return { kind: 'replaced', id: holder };
  });
  await insertAll(tx, [...created.values()]);
  const tenantId = entries[0]?.run.tenantId;
  if (untaken.length > 0 && tenantId !== undefined) await keys.deleteKeys(tx, { tenantId, keys: untaken });
  // Last, because the owner's claims are held off from here until commit.
  const left = await replaceAll(
    tx,
    replacing.map(({ run }) => run),
  );
  for (const { place, run } of replacing)
    if (left.has(run.id)) results[place] = { kind: 'not-replaceable', id: run.id };
  return results;
}

const TRIES_MAX = 10;

/** Takes every key that is free for the first run that wants it; resolves with who holds each key now. */
async function takeKeys(tx: Tx, entries: readonly Enqueue[]): Promise<Map<string, RunId>> {
  const wanted = new Map<string, keys.NewKey>();
  for (const { run, unique } of entries) {
    if (unique !== null && !wanted.has(unique.key))
      wanted.set(unique.key, { key: unique.key, runId: run.id, windowMs: unique.windowMs });
  }
  const tenantId = entries[0]?.run.tenantId;
  const holders = new Map<string, RunId>();
  if (tenantId === undefined) return holders;
  for (let tries = 0; wanted.size > 0; tries += 1) {
    if (tries === TRIES_MAX)
      throw new Error(`expected a unique key to be held or free, got one that vanished ${TRIES_MAX} times`);
    const inserted = await keys.insertKeys(tx, { tenantId, keys: [...wanted.values()] });
    for (const key of inserted) settleKey(wanted, holders, key);
    if (wanted.size > 0) await takeHeld(tx, { tenantId, wanted, holders });
  }
  return holders;
}

/** Of keys that others have taken: those that are held no more are taken over; one that vanished stays wanted. */
async function takeHeld(
  tx: Tx,
  {
    tenantId,
    wanted,
    holders,
  }: { tenantId: TenantId; wanted: Map<string, keys.NewKey>; holders: Map<string, RunId> },
): Promise<void> {
  const held = await keys.lockKeys(tx, { tenantId, keys: [...wanted.keys()] });
  const unfinished = await keys.unfinishedAmong(
    tx,
    held.filter(({ untilRunEnds }) => untilRunEnds).map(({ runId }) => runId),
  );
  const takenOver: keys.NewKey[] = [];
  for (const { key, runId, isOver, untilRunEnds } of held) {
    const mine = wanted.get(key);
    if (mine === undefined) continue;
    const isFree = untilRunEnds ? !unfinished.has(runId) : isOver;
    if (isFree) takenOver.push(mine);
    settleKey(wanted, holders, key, isFree ? mine.runId : runId);
  }
  if (takenOver.length > 0) await keys.updateKeys(tx, { tenantId, keys: takenOver });
}

function settleKey(
  wanted: Map<string, keys.NewKey>,
  holders: Map<string, RunId>,
  key: string,
  holder = wanted.get(key)?.runId,
): void {
  if (holder !== undefined) holders.set(key, holder);
  wanted.delete(key);
}

/** Resolves with the runs that could not be replaced. */
async function replaceAll(tx: Tx, runs: readonly NewRun[]): Promise<Set<RunId>> {
  const slot = runs[0]?.slot;
  if (slot === undefined) return new Set();
  await holdOffClaims(tx, slot);
  const ids = runs.map(({ id }) => id);
  const unclaimed = await findUnclaimed(tx, ids);
  for (const run of runs) if (unclaimed.has(run.id)) await replaceRun(tx, run);
  return new Set(ids.filter((id) => !unclaimed.has(id)));
}

async function insertAll(db: Database, runs: readonly NewRun[]): Promise<void> {
  for (let from = 0; from < runs.length; from += ROWS_PER_INSERT)
    await insertRuns(db, runs.slice(from, from + ROWS_PER_INSERT));
}
