// How do runs come in? In one transaction, however many: it takes the unique keys or finds them held, inserts the new
// runs, and replaces others while their owner can't claim them. Expected outcomes never throw; each run gets its own.
import { holdOffClaims } from '#cluster/slots/claims-hold.js';
import { inTransaction, type Database, type Tx } from '#database/connection.js';
import type { RunId } from '#kernel/ids.js';
import {
  findUnclaimed,
  insertAndShowRun,
  insertRun,
  replaceRuns,
  type NewRun,
} from './new-run.repository.js';
import { insertTogether } from './new-runs.repository.js';
import type { RunRow } from '#execution/runs/run-row.js';
import { takeDebounced, type DebounceRequest } from './debounce/take-debounced.js';
import { deleteKeys } from './unique-key.repository.js';
import { takeKeys } from './unique-keys.js';

export interface UniqueRequest {
  key: string;
  /** How long the key is held; null: until the run has ended. */
  windowMs: number | null;
  /** What to do when a run holds the key: nothing, give that run these values, or refuse. */
  onConflict: 'return' | 'replace' | 'reject';
}

export interface Enqueue {
  run: NewRun;
  unique: UniqueRequest | null;
  /** Excludes a unique key. */
  debounce?: DebounceRequest | null;
}

export type Enqueued =
  | { kind: 'created'; id: RunId }
  /** The key is held by this run, and nothing was done. */
  | { kind: 'returned'; id: RunId }
  /** The run that holds the unique key, or waits under the debounce key, has these values now. */
  | { kind: 'replaced'; id: RunId }
  | { kind: 'key-taken'; id: RunId }
  /** The run that holds the key is claimed, has had an attempt, or has ended. */
  | { kind: 'not-replaceable'; id: RunId }
  | { kind: 'over-quota' };

const ROWS_PER_INSERT = 1_000;

/** All are of one tenant. Creates the first `room` runs at most; the others are over quota. */
export async function enqueueRuns(
  db: Database,
  entries: readonly Enqueue[],
  { room }: { room: number },
): Promise<Enqueued[]> {
  if (entries.some(isDebounced)) return inTransaction(db, (tx) => enqueueMixed(tx, entries, room));
  const isKeyed = entries.some(({ unique }) => unique !== null);
  if (isKeyed) return inTransaction(db, (tx) => enqueueKeyed(tx, entries, room));
  const runs = entries.slice(0, room).map(({ run }) => run);
  if (runs.length <= ROWS_PER_INSERT) await insertAll(db, runs);
  else await inTransaction(db, (tx) => insertAll(tx, runs));
  return entries.map(({ run }, index) =>
    index < room ? { kind: 'created', id: run.id } : { kind: 'over-quota' },
  );
}

/**
 * Enqueues one run that comes alone. The outcome has its row if it was created without a key: the insert returns it.
 */
export async function enqueueRun(
  db: Database,
  entry: Enqueue,
  { room }: { room: number },
): Promise<{ result: Enqueued; row: RunRow | null }> {
  if (entry.unique === null && !isDebounced(entry) && room >= 1) {
    const row = await insertAndShowRun(db, entry.run, null);
    if (row === undefined) throw new Error(`expected run ${entry.run.id} to be inserted, got no row`);
    return { result: { kind: 'created', id: row.id }, row };
  }
  const [result = { kind: 'over-quota' as const }] = await enqueueRuns(db, [entry], { room });
  return { result, row: null };
}

function isDebounced({ debounce = null }: Enqueue): boolean {
  return debounce !== null;
}

/** The debounced ones first: while an owner's claims are held off, no lock may be waited for. */
async function enqueueMixed(tx: Tx, entries: readonly Enqueue[], room: number): Promise<Enqueued[]> {
  const debounced = await takeDebounced(
    tx,
    entries.flatMap(({ run, debounce = null }) => (debounce === null ? [] : [{ run, ...debounce }])),
    { room },
  );
  const created = debounced.filter(({ kind }) => kind === 'created').length;
  const others = entries.filter((entry) => !isDebounced(entry));
  const results = others.length === 0 ? [] : await enqueueKeyed(tx, others, room - created);
  // Each keeps its place.
  const [ofDebounced, ofOthers] = [debounced.values(), results.values()];
  return entries.map((entry) => {
    const { value } = (isDebounced(entry) ? ofDebounced : ofOthers).next();
    return value ?? { kind: 'over-quota' };
  });
}

async function enqueueKeyed(tx: Tx, entries: readonly Enqueue[], room: number): Promise<Enqueued[]> {
  const tenantId = entries[0]?.run.tenantId;
  if (tenantId === undefined) return [];
  const holders = await takeKeys(tx, {
    tenantId,
    asked: entries.flatMap(({ run, unique }) => (unique === null ? [] : [{ ...unique, runId: run.id }])),
  });
  const created = new Map<RunId, NewRun>();
  const replacing: { place: number; run: NewRun }[] = [];
  const untaken: string[] = [];
  const results = entries.map(({ run, unique }, place): Enqueued => {
    const holder = unique === null ? run.id : (holders.get(unique.key) ?? run.id);
    if (holder === run.id) {
      if (created.size < room) created.set(run.id, { ...run, unique });
      else if (unique !== null) untaken.push(unique.key);
      return created.has(run.id) ? { kind: 'created', id: run.id } : { kind: 'over-quota' };
    }
    // The holder may be an earlier run of this batch that found no room.
    if (unique === null || untaken.includes(unique.key)) return { kind: 'over-quota' };
    if (unique.onConflict === 'return') return { kind: 'returned', id: holder };
    if (unique.onConflict === 'reject') return { kind: 'key-taken', id: holder };
    const replaced = { ...run, id: holder };
    const first = created.get(holder);
    if (first !== undefined) created.set(holder, { ...replaced, unique: first.unique ?? null });
    else replacing.push({ place, run: replaced });
    return { kind: 'replaced', id: holder };
  });
  await insertAll(tx, [...created.values()]);
  if (untaken.length > 0) await deleteKeys(tx, { tenantId, keys: untaken });
  // Last, because the owner's claims are held off from here until commit.
  const left = await replaceAll(
    tx,
    replacing.map(({ run }) => run),
  );
  for (const { place, run } of replacing)
    if (left.has(run.id)) results[place] = { kind: 'not-replaceable', id: run.id };
  return results;
}

/** Resolves with the runs that could not be replaced. */
async function replaceAll(tx: Tx, runs: readonly NewRun[]): Promise<Set<RunId>> {
  const slot = runs[0]?.slot;
  if (slot === undefined) return new Set();
  await holdOffClaims(tx, slot);
  const ids = runs.map(({ id }) => id);
  const unclaimed = await findUnclaimed(tx, ids);
  // If several replace one run, the last counts. One statement for all: the owner's claims wait until it is done.
  const last = new Map(runs.filter(({ id }) => unclaimed.has(id)).map((run) => [run.id, run]));
  if (last.size > 0) await replaceRuns(tx, [...last.values()]);
  return new Set(ids.filter((id) => !unclaimed.has(id)));
}

async function insertAll(db: Database, runs: readonly NewRun[]): Promise<void> {
  const [first] = runs;
  if (runs.length === 1 && first !== undefined) return insertRun(db, first);
  for (let from = 0; from < runs.length; from += ROWS_PER_INSERT)
    await insertTogether(db, runs.slice(from, from + ROWS_PER_INSERT));
}
