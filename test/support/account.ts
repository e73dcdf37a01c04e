// What really happened? Three accounts are compared: the ledger of due times, the history of runs, and the
// side log that handlers wrote to a file as they ran. The checks name the invariants that they prove.
import { readFileSync } from 'node:fs';
import pg from 'pg';

export interface LedgerRow {
  schedule: string;
  dueAt: Date;
  outcome: string;
  startedAt: Date | null;
  run: string | null;
  runOutcome: string | null;
  attempt: number | null;
  seconds: number;
}

export interface SideLogLine {
  runId: string;
  attempt: number;
  pid: number;
}

export interface Account {
  ledger: LedgerRow[];
  sideLog: SideLogLine[];
  unfinished: number;
  claims: number;
}

export async function readAccount(databaseUrl: string, sideLogFile: string): Promise<Account> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows: ledger } = await client.query<LedgerRow>(
      `select s.name as schedule, f.due_at as "dueAt", f.outcome, f.started_at as "startedAt", f.run_id as run,
              h.outcome as "runOutcome", h.attempt, (s.spec->>'seconds')::int as seconds
         from carillon.fire f join carillon.schedule s on s.id = f.schedule_id left join carillon.run_history h on h.id = f.run_id
        order by s.name, f.due_at`,
    );
    const { rows } = await client.query<{ unfinished: number; claims: number }>(
      `select (select count(*) from carillon.run where run_at <= now())::int as unfinished, (select count(*) from carillon.claim)::int as claims`,
    );
    const { unfinished = -1, claims = -1 } = rows[0] ?? {};
    return { ledger, sideLog: readSideLog(sideLogFile), unfinished, claims };
  } finally {
    await client.end();
  }
}

function readSideLog(file: string): SideLogLine[] {
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
  return lines.map((line) => JSON.parse(line) as SideLogLine);
}

/** Every contradiction between the accounts, as a sentence; empty when all is well. */
export function contradictions({ ledger, sideLog }: Account): string[] {
  return [
    ...gapsInLedger(ledger),
    ...undecided(ledger),
    ...unproven(ledger, sideLog),
    ...doubled(sideLog),
    ...early(ledger),
  ];
}

/** How late the latest fire started, in milliseconds. */
export function worstLatenessMs({ ledger }: Account): number {
  return Math.max(
    0,
    ...ledger.map(({ startedAt, dueAt }) => (startedAt === null ? 0 : startedAt.getTime() - dueAt.getTime())),
  );
}

function gapsInLedger(ledger: readonly LedgerRow[]): string[] {
  return ledger.flatMap((row, index) => {
    const before = ledger[index - 1];
    if (before === undefined || before.schedule !== row.schedule) return [];
    const gapMs = row.dueAt.getTime() - before.dueAt.getTime();
    return gapMs === row.seconds * 1_000
      ? []
      : [`I1: ${row.schedule} has a gap of ${gapMs} ms before ${row.dueAt.toISOString()}`];
  });
}

function undecided(ledger: readonly LedgerRow[]): string[] {
  return ledger
    .filter(
      (row) =>
        row.outcome !== 'planned' &&
        (!['fired', 'late'].includes(row.outcome) || row.runOutcome !== 'succeeded'),
    )
    .map(
      (row) =>
        `I5: ${row.schedule} at ${row.dueAt.toISOString()} is ${row.outcome}, and its run ${String(row.run)} ${String(row.runOutcome)}`,
    );
}

/** A recorded success must be a handler's own account, too. */
function unproven(ledger: readonly LedgerRow[], sideLog: readonly SideLogLine[]): string[] {
  const ran = new Set(sideLog.map((line) => `${line.runId}/${line.attempt}`));
  return ledger
    .filter((row) => row.runOutcome === 'succeeded' && !ran.has(`${String(row.run)}/${String(row.attempt)}`))
    .map(
      (row) =>
        `I2: attempt ${String(row.attempt)} of run ${String(row.run)} is recorded as a success, but no handler ran it`,
    );
}

function doubled(sideLog: readonly SideLogLine[]): string[] {
  const seen = new Map<string, number>();
  for (const { runId, attempt, pid } of sideLog) {
    const key = `${runId}/${attempt}/${pid}`;
    seen.set(key, (seen.get(key) ?? 0) + 1);
  }
  return [...seen]
    .filter(([, times]) => times > 1)
    .map(([key, times]) => `I2: ${key} ran ${times} times in one process`);
}

function early(ledger: readonly LedgerRow[]): string[] {
  return ledger
    .filter(({ startedAt, dueAt }) => startedAt !== null && startedAt < dueAt)
    .map((row) => `I6: ${row.schedule} started before ${row.dueAt.toISOString()}`);
}
