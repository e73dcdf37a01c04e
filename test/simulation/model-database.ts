// Which rows decide? The tables of the protocol, with the columns that it reads. Instants are milliseconds
// of the server's wall clock. Times that only people read, and the events, are left out.
import type { NeededLock } from '#execution/limits/decisions/lane-rules.js';
import type { JobTypeLimits, TenantLimits } from '#execution/limits/limits.js';
import { Table } from './table.js';

export interface LeadershipRow {
  term: number;
  holder: string | null;
  replica: number | null;
}

export interface ReplicaRow {
  number: number;
  incarnation: string;
  roles: string[];
  weight: number;
  preference: number;
  state: 'active' | 'draining' | 'dead' | 'left';
}

export interface HeartbeatRow {
  replica: number;
  beat: number;
  beatAtMs: number;
  serverStartedAt: number;
}

export interface SlotRow {
  slot: number;
  owner: number | null;
  epoch: number;
  target: number | null;
}

export interface ScheduleRow {
  id: string;
  tenantId: string;
  slot: number;
  name: string;
  jobType: string;
  spec: string;
  /** Null for the default. */
  catchUp: string | null;
  /** Of its runs; says whether they may overlap. */
  concurrencyKey: string | null;
  /** What its runs need besides the locks of their job type. */
  locks?: readonly NeededLock[];
  /** Null when it never had another spec. */
  specSinceMs: number | null;
  payload: unknown;
  state: 'active' | 'paused' | 'ended';
  /** Null for a pause without an end. */
  pausedUntilMs: number | null;
  nextDueMs: number | null;
  revision: number;
}

export interface FireRow {
  schedule: string;
  dueMs: number;
  outcome: string;
  reason: string | null;
  run: string | null;
}

/** Due times that were left behind. */
export interface GapRow {
  id: string;
  schedule: string;
  spec: string;
  state: ScheduleRow['state'];
  pausedUntilMs: number | null;
  outcome: string;
  reason: string;
  fromMs: number;
  toMs: number;
}

export interface RunRow {
  id: string;
  tenantId: string;
  slot: number;
  jobType: string;
  queue: string;
  concurrencyKey: string | null;
  schedule: string | null;
  dueMs: number | null;
  payload: unknown;
  priority: number;
  runAtMs: number;
  deadlineMs: number | null;
  cancelRequestedAtMs: number | null;
  attempt: number;
  failures: number;
  losses: number;
  crashes: number;
  startedBy: number | null;
  /** The locks that its attempt holds; null for none. */
  holds: readonly { name: string; token: number }[] | null;
  /** What its schedule named when it was made. */
  ownLocks?: readonly NeededLock[];
}

/** The counters of a run that was never tried. */
export const NOT_TRIED = {
  attempt: 1,
  failures: 0,
  losses: 0,
  crashes: 0,
  startedBy: null,
  holds: null,
  cancelRequestedAtMs: null,
} as const;

export interface ClaimRow {
  id: string;
  replica: number;
  runs: readonly string[];
  claimedAtMs: number;
}

export interface RingRow {
  version: number;
  members: readonly { replica: number; weight: number }[];
}

export interface HistoryRow {
  /** As it was last. */
  row: RunRow;
  run: string;
  outcome: string;
  attempt: number;
}

/** What is limited, and how much; the same for as long as a simulation goes. */
export interface TenantRow {
  id: string;
  weight: number;
  limits: TenantLimits;
}

export interface JobTypeRow {
  name: string;
  limits: JobTypeLimits;
  locks?: readonly NeededLock[];
}

export interface QueueRow {
  tenantId: string;
  name: string;
  isPaused: boolean;
}

export interface BucketRow {
  spentUntilMs: number;
}

export interface HoldRow extends NeededLock {
  tenantId: string;
  token: number;
  holder: string;
  acquiredAtMs: number;
  /** Infinite for a run's. */
  expiresAtMs: number;
  /** Null for a caller's. */
  run: string | null;
}

export interface WaitRow extends NeededLock {
  tenantId: string;
  ticket: number;
  holder: string;
  replica: number | null;
  untilMs: number;
}

/** What blocks a key with a strict order. */
export interface BlockRow {
  tenantId: string;
  run: string;
}

export class ModelDatabase {
  readonly leadership = new Table<1, LeadershipRow>();
  readonly replica = new Table<number, ReplicaRow>();
  readonly heartbeat = new Table<number, HeartbeatRow>();
  readonly ring = new Table<number, RingRow>();
  readonly slot = new Table<number, SlotRow>();
  readonly schedule = new Table<string, ScheduleRow>();
  readonly gap = new Table<string, GapRow>();
  readonly fire = new Table<string, FireRow>();
  readonly run = new Table<string, RunRow>();
  readonly claim = new Table<string, ClaimRow>();
  readonly history = new Table<string, HistoryRow>();
  readonly tenant = new Table<string, TenantRow>();
  readonly jobType = new Table<string, JobTypeRow>();
  readonly queue = new Table<string, QueueRow>();
  readonly rateBucket = new Table<string, BucketRow>();
  readonly semaphore = new Table<string, { permits: number }>();
  readonly lockHold = new Table<string, HoldRow>();
  readonly lockWait = new Table<string, WaitRow>();
  readonly keyBlock = new Table<string, BlockRow>();
  readonly #sequences = { replica: 0, ring: 0, gap: 0, token: 0, ticket: 0 };

  constructor(readonly slotCount: number) {
    this.leadership.put(1, { term: 0, holder: null, replica: null });
    for (let slot = 0; slot < slotCount; slot += 1)
      this.slot.put(slot, { slot, owner: null, epoch: 0, target: null });
  }

  /** Never given twice, not even after a rollback. */
  next(sequence: 'replica' | 'ring' | 'gap' | 'token' | 'ticket'): number {
    this.#sequences[sequence] += 1;
    return this.#sequences[sequence];
  }

  /** By what is committed: active or draining. */
  isLive(replica: number): boolean {
    return isLive(this.replica.get(replica));
  }
}

export function isLive(row: ReplicaRow | null): boolean {
  return row !== null && (row.state === 'active' || row.state === 'draining');
}

/** As the database generates it (migrations/0005). */
export function laneOf({ queue, jobType, concurrencyKey }: RunRow): string {
  return [queue, jobType, ...(concurrencyKey === null ? [] : [concurrencyKey])].join('/');
}

/** In the order in which they are claimed. */
export function byRank(a: RunRow, b: RunRow): number {
  return rankOf(a) - rankOf(b) || (a.id < b.id ? -1 : 1);
}

/** A step of priority is worth a minute of waiting. */
export function rankOf({ runAtMs, priority }: RunRow): number {
  return runAtMs - priority * 60_000;
}

export function queueKey(tenantId: string, name: string): string {
  return `${tenantId}/${name}`;
}

export function fireKey(schedule: string, dueMs: number): string {
  return `${schedule}@${dueMs}`;
}
