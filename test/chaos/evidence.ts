// What does the harness know when all is over? Everything that the tables say at one instant, beside what it has kept
// itself: the side log, the calls, the posts and the faults. Instants are milliseconds of the one clock that the
// harness and the database share on a machine.
import type { ClientBase, QueryResultRow } from 'pg';
import { LATE_LEADER_WRITES, LATE_REPLICA_WRITES, type LateWrite } from './audit.js';
import { CROWD } from './beds/crowded.js';
import type { FaultRecord } from './faults.js';
import type { AuditAnswer } from './many/audits.js';
import { MANY } from './many/many-schedules.js';
import type { LastWord } from './last-word.js';
import { readLockTables, type LockTables } from './locks/lock-notes.js';
import type { LockAccount } from './locks/lock-users.js';
import type { QueueLine } from './limited/queue-consumer.js';
import type { Standstill } from './limited/steering.js';
import type { SeenLine } from './side-log.js';
import type { SinkCall } from './sink.js';
import type { Spell } from './spells.js';
import type { Stall } from './stalls.js';
import type { Planned, Post } from './workload.js';

export interface Fire {
  readonly schedule: string;
  readonly tenant: string;
  readonly dueAtMs: number;
  /** When its run was to start: later by the jitter of its schedule. */
  readonly startsAtMs: number;
  readonly outcome: string;
  readonly reason: string | null;
  readonly run: string | null;
  readonly startedAtMs: number | null;
}

export interface PastAttempt {
  readonly attempt: number;
  readonly outcome: 'failed' | 'timed-out' | 'lost' | 'released' | 'snoozed';
  readonly replica: number;
  /** The one outside that had it. */
  readonly worker?: string;
  readonly startedAt?: string;
  readonly finishedAt: string;
  readonly error?: { readonly name: string };
}

interface RunFacts {
  readonly id: string;
  readonly tenant: string;
  readonly jobType: string;
  readonly queue: string;
  readonly concurrencyKey: string | null;
  readonly key: string | null;
  readonly createdAtMs: number;
  readonly schedule: string | null;
  readonly attempt: number;
  readonly runAtMs: number;
  readonly pastAttempts: readonly PastAttempt[];
}

export type OpenRun = RunFacts;

export interface EndedRun extends RunFacts {
  readonly outcome: string;
  readonly replica: number;
  /** Null for one that ended before it began, such as one that must not overlap another. */
  readonly startedAtMs: number | null;
  readonly finishedAtMs: number;
  readonly error: { name: string; message: string } | null;
}

export interface ReplicaFacts {
  readonly number: number;
  readonly name: string;
  readonly pid: number;
  readonly state: string;
}

export interface SlotFacts {
  readonly slot: number;
  readonly owner: number | null;
  readonly target: number | null;
  readonly targetAgeMs: number | null;
}

export interface ClusterEvent {
  readonly seq: number;
  readonly atMs: number;
  readonly type: string;
  readonly term: number | null;
  readonly replica: number | null;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface SlotChange {
  readonly slot: number;
  readonly was: number | null;
  readonly owner: number | null;
  readonly epoch: number;
  readonly atMs: number;
}

export interface TermStart {
  readonly term: number;
  readonly replica: number | null;
  readonly atMs: number;
}

export interface Tables {
  readonly readAtMs: number;
  readonly fires: readonly Fire[];
  readonly open: readonly OpenRun[];
  readonly ended: readonly EndedRun[];
  readonly claims: readonly { id: string; replica: number; runs: string[]; ageMs: number }[];
  readonly replicas: readonly ReplicaFacts[];
  readonly leader: number | null;
  readonly slots: readonly SlotFacts[];
  readonly ringMembers: readonly { replica: number; weight: number }[];
  readonly events: readonly ClusterEvent[];
  readonly terms: readonly TermStart[];
  readonly slotChanges: readonly SlotChange[];
  readonly lateLeaderWrites: readonly LateWrite[];
  readonly lateReplicaWrites: readonly LateWrite[];
  /** When the runs of the many schedules started, but for those that catch up. */
  readonly manyStarts: readonly { dueAtMs: number; startedAtMs: number }[];
  /** Of each schedule of the crowd: how many due times are behind it, and how many are decided or lie in a gap. */
  readonly crowd: readonly { schedule: string; passed: number; decided: number }[];
  /** Which transaction moved a run into the history. */
  readonly completions: readonly Transacted[];
  /** Which put it into the user's queue. */
  readonly queueJobs: readonly Pick<Transacted, 'run' | 'xid'>[];
  /** Which wrote the row of its handler. */
  readonly effects: readonly Pick<Transacted, 'run' | 'attempt' | 'xid'>[];
  readonly lockTables: LockTables;
}

export interface Transacted {
  readonly run: string;
  readonly attempt: number;
  readonly outcome: string;
  readonly xid: string;
}

export interface Evidence extends Tables {
  /** Of each of the many schedules. */
  readonly audits: readonly AuditAnswer[];
  readonly planned: readonly Planned[];
  readonly sideLog: readonly SeenLine[];
  readonly spells: readonly Spell[];
  readonly words: readonly LastWord[];
  /** Of the workers that pull. */
  readonly complaints: readonly string[];
  readonly queueLines: readonly QueueLine[];
  readonly locks: LockAccount;
  readonly standstills: readonly Standstill[];
  readonly calls: readonly SinkCall[];
  readonly posts: readonly Post[];
  readonly faults: readonly FaultRecord[];
  /** When the machine was too busy even for the harness. */
  readonly stalls: readonly Stall[];
  /** Who sat where at the end. */
  readonly seats: readonly { name: string; pid: number | null }[];
}

const ms = (column: string): string => `(extract(epoch from ${column}) * 1000)::float8`;
/** What is outside is due when it was before it left. */
const runFacts = (runAt: string): string => `r.id, t.name as tenant, r.job_type as "jobType", r.queue,
  r.concurrency_key as "concurrencyKey", r.payload->>'key' as key, r.schedule_id as schedule, r.attempt,
  ${ms('r.created_at')} as "createdAtMs", ${ms(runAt)} as "runAtMs", coalesce(r.past_attempts, '[]') as "pastAttempts"`;

// Those of the crowd, of which nothing runs, are hundreds of thousands, and those of the many schedules are audited.
const FIRES = `
  select s.name as schedule, t.name as tenant, ${ms('f.due_at')} as "dueAtMs", ${ms('f.due_at')} + coalesce(f.jitter_ms, 0) as "startsAtMs", f.outcome, f.reason, f.run_id as run, ${ms('f.started_at')} as "startedAtMs"
    from carillon.fire f join carillon.schedule s on s.id = f.schedule_id join carillon.tenant t on t.id = s.tenant_id
   where t.name <> '${CROWD}' and t.name not like '${MANY}%'
   order by t.name, s.name, f.due_at`;
const MANY_STARTS = `
  select ${ms('f.due_at')} as "dueAtMs", ${ms('f.started_at')} as "startedAtMs"
    from carillon.fire f join carillon.tenant t on t.id = f.tenant_id
   where t.name like '${MANY}%' and f.started_at is not null and f.reason is null`;
const CROWD_DECISIONS = `
  select s.name as schedule, extract(epoch from s.next_due_at - (s.spec ->> 'anchorAt')::timestamptz)::int as passed,
         ((select count(*) from carillon.fire f where f.schedule_id = s.id)
          + (select coalesce(sum(ceil(extract(epoch from g.to_at - g.from_at))), 0) from carillon.schedule_gap g where g.schedule_id = s.id))::int as decided
    from carillon.schedule s join carillon.tenant t on t.id = s.tenant_id
   where t.name = '${CROWD}'`;
const OPEN = `
  select ${runFacts('coalesce(l.run_at, r.run_at)')}
    from carillon.run r join carillon.tenant t on t.id = r.tenant_id left join carillon.lease l on l.run_id = r.id`;
const ENDED = `
  select ${runFacts('r.run_at')}, r.outcome, r.replica, ${ms('r.started_at')} as "startedAtMs", ${ms('r.finished_at')} as "finishedAtMs", r.error
    from carillon.run_history r join carillon.tenant t on t.id = r.tenant_id`;
const CLAIMS = `select id, replica, run_ids as runs, ${ms('clock_timestamp()')} - ${ms('claimed_at')} as "ageMs" from carillon.claim`;
const SLOTS = `select slot, owner, target, ${ms('clock_timestamp()')} - ${ms('target_since')} as "targetAgeMs" from carillon.slot_owner order by slot`;
const EVENTS = `select seq::int, ${ms('at')} as "atMs", type, term::int, replica, data from carillon.cluster_event order by seq`;
const TERMS = `select term::int, replica, ${ms('at')} as "atMs" from chaos.term order by term`;
const SLOT_CHANGES = `select slot, was, owner, epoch::int, ${ms('at')} as "atMs" from chaos.slot_change order by seq`;

/** Inside one transaction that sees one instant. */
export async function readTables(client: ClientBase): Promise<Tables> {
  const rows = async <Row extends QueryResultRow>(text: string): Promise<Row[]> =>
    (await client.query<Row>(text)).rows;
  const [now] = await rows<{ readAtMs: number }>(`select ${ms('transaction_timestamp()')} as "readAtMs"`);
  const [leader] = await rows<{ replica: number | null }>('select replica from carillon.leadership');
  const [ring] = await rows<{ members: { replica: number; weight: number }[] }>(
    'select members from carillon.ring order by version desc limit 1',
  );
  return {
    readAtMs: now?.readAtMs ?? 0,
    fires: await rows<Fire>(FIRES),
    open: await rows<OpenRun>(OPEN),
    ended: await rows<EndedRun>(ENDED),
    claims: await rows(CLAIMS),
    replicas: await rows<ReplicaFacts>(
      'select number, name, pid, state from carillon.replica order by number',
    ),
    leader: leader?.replica ?? null,
    slots: await rows<SlotFacts>(SLOTS),
    ringMembers: ring?.members ?? [],
    events: await rows<ClusterEvent>(EVENTS),
    terms: await rows<TermStart>(TERMS),
    slotChanges: await rows<SlotChange>(SLOT_CHANGES),
    lateLeaderWrites: await rows<LateWrite>(LATE_LEADER_WRITES),
    lateReplicaWrites: await rows<LateWrite>(LATE_REPLICA_WRITES),
    manyStarts: await rows(MANY_STARTS),
    crowd: await rows(CROWD_DECISIONS),
    completions: await rows('select run, attempt, outcome, xid::text from chaos.completion'),
    queueJobs: await rows('select run, xid::text from chaos.queue_job'),
    effects: await rows('select run, attempt, xid::text from chaos.effect'),
    lockTables: await readLockTables(client),
  };
}
