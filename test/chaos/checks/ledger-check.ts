// Has every due time become exactly one fire, and every fire one run that ended well? What is expected is computed
// here, from each schedule's period alone. The comparison of ledger, history and side log is that of the cluster tests
// (test/support/account.ts); due times of the last seconds are left out, since they are still on their way.
import { CROWD } from '../beds/crowded.js';
import { contradictions, type LedgerRow } from '../../support/account.js';
import { MANY } from '../many/many-schedules.js';
import type { EndedRun, Evidence, Fire } from '../evidence.js';
import { withStandIns } from './stand-in.js';

/** Longer than any run of ours takes. */
export const UNDERWAY_MS = 5_000;
/** The cluster keeps instants to the millisecond, the database keeps run_at to the microsecond. */
const PRECISION_MS = 1;

/** I1, I2, I5, I6; C1, C2, C14. */
export function checkLedger(evidence: Evidence): string[] {
  const { sideLog } = evidence;
  const ledger = evidence.planned.flatMap((planned) => rowsOf(planned, evidence));
  const settled = contradictions({ ledger, sideLog: [...sideLog], unfinished: 0, claims: 0 });
  return [
    ...settled,
    ...incomplete(evidence),
    ...twice(evidence),
    ...unfit(evidence),
    ...extra(evidence),
    ...early(evidence),
    ...undecided(evidence),
  ];
}

function settledBeforeMs({ readAtMs }: Evidence): number {
  return readAtMs - UNDERWAY_MS;
}

function rowsOf({ tenant, name, periodMs }: Evidence['planned'][number], evidence: Evidence): LedgerRow[] {
  const ended = endedById(evidence);
  return withStandIns(firesOf(evidence, { tenant, name }))
    .filter((fire) => fire.dueAtMs < settledBeforeMs(evidence))
    .map(({ schedule, dueAtMs, outcome, run, startedAtMs }) => ({
      schedule: `${tenant}/${schedule}`,
      dueAt: new Date(dueAtMs),
      outcome: outcome === 'planned' ? 'still planned' : outcome,
      startedAt: startedAtMs === null ? null : new Date(startedAtMs),
      run,
      runOutcome: ended.get(run ?? '')?.outcome ?? null,
      attempt: ended.get(run ?? '')?.attempt ?? null,
      seconds: periodMs / 1_000,
    }));
}

function firesOf({ fires }: Evidence, { tenant, name }: { tenant: string; name: string }): Fire[] {
  return fires.filter((fire) => fire.tenant === tenant && fire.schedule === name);
}

const memo = new WeakMap<Evidence, Map<string, EndedRun>>();

function endedById(evidence: Evidence): Map<string, EndedRun> {
  const known = memo.get(evidence) ?? new Map(evidence.ended.map((run) => [run.id, run]));
  memo.set(evidence, known);
  return known;
}

/** The ledger begins within a period of the schedule's making, and reaches up to now; gaps are found above. */
function incomplete(evidence: Evidence): string[] {
  return evidence.planned.flatMap(({ tenant, name, periodMs }) => {
    const last = firesOf(evidence, { tenant, name }).at(-1);
    if (last === undefined) return [`I1: ${tenant}/${name} has no ledger at all`];
    const behindMs = evidence.readAtMs - last.dueAtMs;
    return behindMs <= periodMs
      ? []
      : [`I1: the ledger of ${tenant}/${name} ends ${Math.round(behindMs)} ms before the final read`];
  });
}

/** Only a key that has been lost lets this happen. */
function twice({ fires }: Evidence): string[] {
  const seen = new Map<string, number>();
  for (const { tenant, schedule, dueAtMs } of fires) {
    const key = `${tenant}/${schedule} at ${new Date(dueAtMs).toISOString()}`;
    seen.set(key, (seen.get(key) ?? 0) + 1);
  }
  return [...seen]
    .filter(([, times]) => times > 1)
    .map(([key, times]) => `I1: ${key} has ${times} ledger rows`);
}

/** A fire's run is the fire's: the same schedule, and no other fire's. */
function unfit(evidence: Evidence): string[] {
  const owner = new Map<string, string>();
  return evidence.fires.flatMap((fire) => {
    if (fire.run === null)
      return fire.outcome === 'planned' ? [`I1: ${nameOf(fire)} is planned, and has no run`] : [];
    const other = owner.get(fire.run);
    owner.set(fire.run, nameOf(fire));
    return other === undefined ? [] : [`I1: run ${fire.run} belongs to ${other} and to ${nameOf(fire)}`];
  });
}

function nameOf({ tenant, schedule, dueAtMs }: Fire): string {
  return `${tenant}/${schedule} at ${new Date(dueAtMs).toISOString()}`;
}

/** No run without a fire, and none without a post (those are compared by key, see post-check.ts). */
function extra({ fires, open, ended }: Evidence): string[] {
  const known = new Set(fires.map(({ run }) => run));
  return [...open, ...ended]
    .filter(({ id, schedule, tenant }) => schedule !== null && !known.has(id) && !tenant.startsWith(MANY))
    .map(({ id, schedule }) => `C2: run ${id} of schedule ${schedule} is in no ledger row`);
}

/** Each due time of the crowd has its row, or lies in a gap. */
function undecided({ crowd }: Evidence): string[] {
  return crowd
    .filter(({ passed, decided }) => passed !== decided)
    .map(
      ({ schedule, passed, decided }) =>
        `I1: of ${CROWD}/${schedule} ${decided} due times are decided, ${passed} have passed`,
    );
}

/** By the harness's own clock: a line that is seen before its due time was certainly written before it. */
function early({ sideLog, ended }: Evidence): string[] {
  const lines = sideLog
    .filter(({ dueAt, seenAtMs }) => dueAt !== null && seenAtMs < Date.parse(dueAt))
    .map(
      ({ runId, attempt, dueAt, seenAtMs }) =>
        `I6: attempt ${attempt} of run ${runId} ran ${Date.parse(dueAt ?? '') - seenAtMs} ms before it was due`,
    );
  const rows = ended.flatMap(({ id, startedAtMs, runAtMs, attempt }) =>
    attempt === 1 && startedAtMs !== null && startedAtMs < runAtMs - PRECISION_MS
      ? [`I6: run ${id} is recorded as started ${runAtMs - startedAtMs} ms before its run_at`]
      : [],
  );
  return [...lines, ...rows];
}
