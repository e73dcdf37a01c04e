// What do statements about named locks mean? As the functions of migrations/0037 and 0038 do, the trigger on `run` included.
import { NAMED_LOCK } from '#database/advisory-locks.js';
import type { NeededLock } from '#execution/limits/decisions/lane-rules.js';
import { holdKey } from '../lock-promises.js';
import type { HoldRow, ModelDatabase, RunRow, WaitRow } from '../model-database.js';
import { enterGate, tryEnterGate, type Transaction } from '../transaction.js';
import type { Broken } from '../broken-protocols.js';
import type { Scene } from './meaning.js';

export interface Request {
  tenantId: string;
  me: string;
  /** In the order of their names. */
  wishes: readonly NeededLock[];
  leaseMs: number;
  /** Null for one that only tries. */
  waitMs: number | null;
  replica: number | null;
}

const UNGUARDED = 'locks acquired by callers who do not take turns';
const BEYOND_LINE = 'locks acquired past their line';

/** False where another session is at one of the locks and the caller does not wait for it. */
export function takeTurn(
  scene: Scene,
  { tenantId, wishes }: Pick<Request, 'tenantId' | 'wishes'>,
  waits: boolean,
): boolean {
  const { server, tx, broken } = scene;
  if (broken.has(UNGUARDED)) return true;
  const gates = wishes.map(({ name }) => server.locks.gate(NAMED_LOCK, `${tenantId}/${name}`));
  if (waits) return gates.every((gate) => enterGate(gate, tx, true));
  return gates.map((gate) => tryEnterGate(gate, tx)).every(Boolean);
}

/** Its places in line, and leases that have ended. False when it has to wait for another that writes them. */
export function lockRows(
  scene: Scene,
  { tenantId, me, wishes }: Pick<Request, 'tenantId' | 'me' | 'wishes'>,
): boolean {
  const { db, tx } = scene;
  const ended = wishes
    .flatMap(({ name }) => holdsOf(scene, tenantId, name))
    .filter((hold) => hasEnded(scene, hold));
  return (
    db.lockWait.lockAll(placesOf(scene, tenantId, me).map(waitKey), tx) &&
    db.lockHold.lockAll(ended.map(keyOf), tx)
  );
}

/** carillon.acquire_locks(), once its turn has come and its rows are locked. */
export function acquire(scene: Scene, request: Request): { holds: HoldRow[] } | { ticket: number } | null {
  const { tenantId, me, wishes, waitMs } = request;
  const states = wishes.map((wish) => stateOf(scene, request, wish));
  if (states.includes('mine')) return null;
  if (states.every((state) => state === 'free')) {
    const before = new Map(wishes.map(({ name }) => [name, firstInLine(scene, { tenantId, name, me })]));
    for (const place of placesOf(scene, tenantId, me))
      scene.db.lockWait.write(waitKey(place), scene.tx, null);
    return { holds: wishes.map((wish) => hold(scene, request, wish, before.get(wish.name) ?? null)) };
  }
  return waitMs === null ? null : { ticket: stand(scene, { ...request, waitMs }) };
}

function stateOf(
  scene: Scene,
  { tenantId, me }: Request,
  { name, mode, permits }: NeededLock,
): 'free' | 'mine' | 'taken' {
  const { db, tx, broken } = scene;
  for (const each of holdsOf(scene, tenantId, name))
    if (hasEnded(scene, each)) db.lockHold.write(keyOf(each), tx, null);
  const holds = holdsOf(scene, tenantId, name);
  if (holds.some(({ holder }) => holder === me)) return 'mine';
  const isMixed = holds.some((each) => each.mode !== mode);
  const bound = db.semaphore.get(`${tenantId}/${name}`, tx)?.permits ?? 0;
  const taken = broken.has('permits that are not counted')
    ? 0
    : holds.reduce((sum, each) => sum + each.permits, 0);
  const isFull = mode === 'permits' && taken + permits > bound;
  if (holds.length > 0 && (isMixed || mode === 'exclusive' || isFull)) return 'taken';
  if (broken.has(BEYOND_LINE)) return 'free';
  const first = firstInLine(scene, { tenantId, name, me });
  return first === null || first === me ? 'free' : 'taken';
}

function hold(
  scene: Scene,
  { tenantId, me, leaseMs, replica }: Request,
  { name, mode, permits }: NeededLock,
  first: string | null,
): HoldRow {
  const { db, tx, server, broken } = scene;
  const later = holdsOf(scene, tenantId, name).length + 1;
  const token = broken.has('tokens that begin anew') ? later : db.next('token');
  const row: HoldRow = {
    tenantId,
    name,
    token,
    holder: me,
    mode,
    permits,
    acquiredAtMs: server.wallMs(),
    expiresAtMs: server.wallMs() + leaseMs,
    run: null,
  };
  db.lockHold.lock(keyOf(row), tx, 'write');
  db.lockHold.write(keyOf(row), tx, row);
  const before = first === me ? null : first;
  tx.acts.push({ kind: 'lock-acquired', tenantId, name, token, holder: me, mode, replica, before });
  return row;
}

/** Its place in line, as the ticket says that all its rows have. */
function stand(
  scene: Scene,
  { tenantId, me, wishes, waitMs, replica }: Request & { waitMs: number },
): number {
  const { db, tx, server } = scene;
  const before = placesOf(scene, tenantId, me);
  const isSame = wishText(before) === wishText(wishes);
  if (!isSame) for (const place of before) db.lockWait.write(waitKey(place), tx, null);
  const ticket = isSame ? (before[0]?.ticket ?? 0) : db.next('ticket');
  for (const { name, mode, permits } of wishes) {
    const untilMs = server.wallMs() + waitMs;
    const row: WaitRow = { tenantId, name, ticket, holder: me, mode, permits, replica, untilMs };
    db.lockWait.lock(waitKey(row), tx, 'write');
    db.lockWait.write(waitKey(row), tx, row);
  }
  return ticket;
}

/** carillon.first_in_line() */
export function firstInLine(
  { db, tx, server }: Scene,
  { tenantId, name, me }: { tenantId: string; name: string; me: string },
): string | null {
  const nowMs = server.wallMs();
  const line = db.lockWait
    .rows(tx)
    .filter((wait) => wait.tenantId === tenantId && wait.name === name)
    .filter(
      ({ holder, untilMs, replica }) =>
        holder === me || (untilMs > nowMs && (replica === null || db.isLive(replica))),
    );
  return line.toSorted((a, b) => a.ticket - b.ticket)[0]?.holder ?? null;
}

/** The trigger on `run`: what an attempt holds ends with it. */
export function releaseRunLocks(db: ModelDatabase, broken: Broken) {
  return (before: RunRow | null, after: RunRow | null, tx: Transaction): RunRow | null => {
    const holds = before?.holds ?? null;
    if (before === null || holds === null) return after;
    if (
      after !== null &&
      after.holds !== null &&
      after.attempt === before.attempt &&
      after.runAtMs === before.runAtMs
    )
      return after;
    for (const { name, token } of holds) {
      const key = holdKey(before.tenantId, name, token);
      if (broken.has('runs that end and keep their locks') || db.lockHold.get(key, tx) === null) continue;
      if (!db.lockHold.lock(key, tx, 'write')) {
        if (broken.has('runs whose locks have a lease')) continue;
        throw new Error(`expected no one else to write the hold ${key} of a run`);
      }
      db.lockHold.write(key, tx, null);
    }
    return after === null ? null : { ...after, holds: null };
  };
}

export function holdsOf({ db, tx }: Scene, tenantId: string, name: string): HoldRow[] {
  return db.lockHold.rows(tx).filter((row) => row.tenantId === tenantId && row.name === name);
}

export function placesOf({ db, tx }: Scene, tenantId: string, holder: string): WaitRow[] {
  return db.lockWait.rows(tx).filter((row) => row.tenantId === tenantId && row.holder === holder);
}

export function hasEnded({ server, broken }: Scene, { expiresAtMs }: HoldRow): boolean {
  return expiresAtMs <= server.wallMs() && !broken.has('leases that never end');
}

export function waitKey({ tenantId, name, ticket }: Pick<WaitRow, 'tenantId' | 'name' | 'ticket'>): string {
  return `${tenantId}/${name}/${ticket}`;
}

export function keyOf({ tenantId, name, token }: Pick<HoldRow, 'tenantId' | 'name' | 'token'>): string {
  return holdKey(tenantId, name, token);
}

function wishText(wishes: readonly NeededLock[]): string {
  return wishes
    .map(({ name, mode, permits }) => `${name}/${mode}/${permits}`)
    .toSorted()
    .join(' ');
}
