// What does a stretch of load look like from the database? How fast work was done, what the statements of the claim
// path took, and how large the hot table and its indexes are.
import { setTimeout as rest } from 'node:timers/promises';
import { doneRuns, type BloatBed } from './bed.js';

/** Statements by a part of their text, as the repositories write it. */
const WATCHED = {
  look: '%with recursive%from carillon.run%',
  claim: '%noted as (%insert into carillon.claim%',
  finish: '%delete from carillon.run where id = any%',
  lockClaims: '%select id from carillon.claim%order by id%for update%',
} as const;

type Watched = keyof typeof WATCHED;

export interface Observation {
  readonly seconds: number;
  readonly runsPerSecond: number;
  /** Mean milliseconds of a statement, and its calls a second. */
  readonly statements: Readonly<Record<Watched, { ms: number; perSecond: number }>>;
  readonly tableMb: number;
  readonly indexMb: number;
  readonly deadRows: number;
}

/** Watches for so long. */
export async function observe(bed: BloatBed, seconds: number): Promise<Observation> {
  await bed.witness.ask('select pg_stat_statements_reset()');
  const [startMs, before] = [performance.now(), await doneRuns(bed)];
  await rest(seconds * 1_000);
  const tookSeconds = (performance.now() - startMs) / 1_000;
  const done = (await doneRuns(bed)) - before;
  const entries = Object.entries(WATCHED) as [Watched, string][]; // its own keys, as the type says
  const statements = await Promise.all(
    entries.map(async ([name, text]) => [name, await costOf(bed, text, tookSeconds)] as const),
  );
  return {
    seconds: tookSeconds,
    runsPerSecond: done / tookSeconds,
    statements: Object.fromEntries(statements) as Observation['statements'], // one for each name
    ...(await sizes(bed)),
  };
}

async function costOf(
  { witness }: BloatBed,
  text: string,
  seconds: number,
): Promise<{ ms: number; perSecond: number }> {
  const { ms, calls } = await witness.askOne<{ ms: number; calls: number }>(
    `select coalesce(sum(total_exec_time) / nullif(sum(calls), 0), 0)::float8 as ms, coalesce(sum(calls), 0)::float8 as calls
       from pg_stat_statements where query like $1 and query not like '%pg_stat_statements%'`,
    [text],
  );
  return { ms, perSecond: calls / seconds };
}

async function sizes({ witness }: BloatBed): Promise<Pick<Observation, 'tableMb' | 'indexMb' | 'deadRows'>> {
  return witness.askOne(
    `select pg_table_size('carillon.run')::float8 / 1048576 as "tableMb", pg_indexes_size('carillon.run')::float8 / 1048576 as "indexMb",
            (select n_dead_tup::float8 from pg_stat_user_tables where relid = 'carillon.run'::regclass) as "deadRows"`,
  );
}

export const OBSERVATION_HEAD = [
  'minute',
  'phase',
  'runs/s',
  'claim ms',
  'claims/s',
  'look ms',
  'looks/s',
  'finish ms',
  'lock ms',
  'table MB',
  'indexes MB',
  'dead rows',
];

export function observationCells(phase: string, minute: number, seen: Observation): string[] {
  const { claim, look, finish, lockClaims } = seen.statements;
  return [
    minute.toFixed(1),
    phase,
    seen.runsPerSecond.toFixed(0),
    claim.ms.toFixed(2),
    claim.perSecond.toFixed(1),
    look.ms.toFixed(2),
    look.perSecond.toFixed(1),
    finish.ms.toFixed(2),
    lockClaims.ms.toFixed(2),
    seen.tableMb.toFixed(1),
    seen.indexMb.toFixed(1),
    seen.deadRows.toFixed(0),
  ];
}
