// How do transactions keep out of each other's way? Like PostgreSQL's in READ COMMITTED, as far as our
// protocol depends on it: each statement sees what was committed when it began, and its own transaction's
// writes; a row that another transaction has written or locked makes it wait; a commit happens at once.

/** What a transaction has done, in the protocol's words; the invariants are judged by these when it commits. */
export type Act =
  | { kind: 'begin-term'; from: number; to: number; holder: string }
  | { kind: 'leader-write'; term: number; holder: string }
  | { kind: 'death'; replica: number; reason: string }
  | { kind: 'claim'; replica: number; claim: string; runs: readonly { id: string; attempt: number }[] }
  | {
      kind: 'outcome';
      replica: number;
      run: string;
      attempt: number;
      outcome: string;
      claimedAttempt: number;
    }
  | { kind: 'failed-for-good'; run: string }
  | { kind: 'dead-letter'; run: string }
  | { kind: 'brought-back'; run: string; attempt: number }
  | { kind: 'ended-unheld'; run: string; attempt: number; outcome: string }
  | { kind: 'hand-over'; replica: number; slot: number; from: number | null }
  | { kind: 'gift'; slot: number; from: number | null }
  | { kind: 'plan'; schedule: string; dueMs: number; run: string | null }
  | { kind: 'decision'; schedule: string; dueMs: number; from: string }
  | { kind: 'schedule-held'; schedule: string; wallMs: number }
  /** Without a spec it is deleted. */
  | { kind: 'schedule-changed'; schedule: string; spec: string | null; wallMs: number }
  | { kind: 'run-gone'; run: string }
  /** Claimed by their insert, at this instant of the server's clock. */
  | { kind: 'entered'; runs: readonly string[]; atMs: number }
  | { kind: 'queued'; run: string }
  | { kind: 'put-off'; run: string }
  /** A person gave the run up. */
  | { kind: 'unblocked'; run: string }
  | {
      kind: 'lock-acquired';
      tenantId: string;
      name: string;
      token: number;
      holder: string;
      mode: string;
      /** Whose run it is; null for a caller. */
      replica: number | null;
      /** Who stood before it in line. */
      before: string | null;
    };

export class Cell<Row> {
  committed: Row | null = null;
  /** Undefined while no transaction has written; null when the writer has deleted the row. */
  pending: Row | null | undefined = undefined;
  writer: Transaction | null = null;
  readonly sharers = new Set<Transaction>();

  constructor(readonly remove: () => void) {}
}

export interface Gate {
  readonly shared: Set<Transaction>;
  exclusive: Transaction | null;
  readonly queue: { tx: Transaction; exclusive: boolean }[];
}

/** Whose transaction it is; all that matters here is whether one of its statements waits. */
interface Owner {
  readonly waiting: object | null;
}

export class Transaction {
  readonly cells = new Set<Cell<unknown>>();
  readonly gates = new Set<Gate>();
  readonly acts: Act[] = [];
  /** How long a statement may wait for a lock, if the transaction has a limit of its own. */
  lockMs: number | null = null;
  /** How far a function of several statements has come, and when it goes on. */
  step = 0;
  goesOnAtMs = 0;
  /** Whom the statement that waits is waiting for. */
  blockers: readonly Transaction[] = [];

  constructor(private readonly owner: Owner) {}

  commit(): void {
    for (const cell of this.cells) {
      if (cell.writer === this && cell.pending !== undefined) cell.committed = cell.pending;
    }
    this.rollback();
  }

  /** True in a deadlock. */
  waitsForItself(): boolean {
    const met = new Set<Transaction>();
    const ahead = [...this.blockers];
    for (let next = ahead.pop(); next !== undefined; next = ahead.pop()) {
      if (next === this) return true;
      if (met.has(next) || next.owner.waiting === null) continue;
      met.add(next);
      ahead.push(...next.blockers);
    }
    return false;
  }

  rollback(): void {
    for (const cell of this.cells) {
      cell.sharers.delete(this);
      if (cell.writer !== this) continue;
      cell.writer = null;
      cell.pending = undefined;
      if (cell.committed === null) cell.remove();
    }
    this.cells.clear();
    for (const gate of this.gates) leaveGate(gate, this);
    this.gates.clear();
  }
}

/**
 * Waits in line, so that a stream of sharers keeps no transaction out for ever. False, with the blockers noted, when it
 * has to wait.
 */
export function enterGate(gate: Gate, tx: Transaction, exclusive: boolean): boolean {
  if (gate.exclusive === tx || (!exclusive && gate.shared.has(tx))) return true;
  tx.gates.add(gate);
  const place = gate.queue.findIndex((waiting) => waiting.tx === tx);
  const ahead = place === -1 ? gate.queue : gate.queue.slice(0, place);
  const blockers = ahead.filter((waiting) => waiting.exclusive || exclusive).map((waiting) => waiting.tx);
  if (gate.exclusive !== null) blockers.push(gate.exclusive);
  if (exclusive) for (const sharer of gate.shared) if (sharer !== tx) blockers.push(sharer);
  if (blockers.length > 0) {
    if (place === -1) gate.queue.push({ tx, exclusive });
    tx.blockers = blockers;
    return false;
  }
  if (place !== -1) gate.queue.splice(place, 1);
  if (exclusive) gate.exclusive = tx;
  else gate.shared.add(tx);
  return true;
}

/** Without waiting; also false where others wait for it. */
export function tryEnterGate(gate: Gate, tx: Transaction): boolean {
  if (gate.exclusive === tx) return true;
  if (gate.exclusive !== null || gate.shared.size > 0 || gate.queue.length > 0) return false;
  gate.exclusive = tx;
  tx.gates.add(gate);
  return true;
}

/** Without waiting; also false where others wait for it. */
export function tryShareGate(gate: Gate, tx: Transaction): boolean {
  if (gate.exclusive !== null || gate.queue.length > 0) return false;
  gate.shared.add(tx);
  tx.gates.add(gate);
  return true;
}

export function leaveGate(gate: Gate, tx: Transaction): void {
  gate.shared.delete(tx);
  if (gate.exclusive === tx) gate.exclusive = null;
  const place = gate.queue.findIndex((waiting) => waiting.tx === tx);
  if (place !== -1) gate.queue.splice(place, 1);
}
