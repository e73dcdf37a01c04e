// Does what happens outside of the replicas agree with what is recorded? Every success has a worker that worked for it,
// no worker works twice for one attempt, a word that was accepted is the run's end, workers keep their leases and keep out
// of each other's way, and what goes into a user's queue or table does so in the transaction that completes the run.
import type { Evidence, OpenRun, EndedRun } from '../evidence.js';
import { LEASE_SECONDS, LIMITED_JOB_TYPES } from '../limited/tenants.js';
import { runsById } from './attempt-spans.js';
import { mayInterrupt, windowOf } from './fault-windows.js';

/** Two moments of one process, read one after the other. */
const APART_MS = 50;
const WORKED_WITHIN_MS = 15_000;
/** Job types whose work leaves a record. */
const spelled = new Set(LIMITED_JOB_TYPES.filter(({ kind }) => kind !== 'queue').map(({ name }) => name));

/** I2, I8; C5, C6, C7. */
export function checkOutside(evidence: Evidence): string[] {
  return [
    ...workedTwice(evidence),
    ...unworked(evidence),
    ...lastWords(evidence),
    ...besideEachOther(evidence),
    ...leasesLost(evidence),
    ...new Set(evidence.complaints.map((complaint) => `I8: a worker was at a loss: ${complaint}`)),
    ...tooSoon(evidence),
    ...queueJobs(evidence),
    ...effects(evidence),
  ];
}

function workedTwice({ spells }: Evidence): string[] {
  const seen = Map.groupBy(spells, ({ run, attempt }) => `attempt ${attempt} of run ${run}`);
  return [...seen]
    .filter(([, each]) => each.length > 1)
    .map(
      ([key, each]) =>
        `C5: ${key} was worked on ${each.length} times (${each.map(({ where }) => where).join(', ')})`,
    );
}

function unworked({ spells, ended }: Evidence): string[] {
  const worked = new Set(spells.map(({ run, attempt }) => `${run}/${attempt}`));
  const last = new Map(ended.map((run) => [run.id, run.attempt]));
  const unproven = ended
    .filter(({ jobType, outcome }) => spelled.has(jobType) && outcome === 'succeeded')
    .filter(({ id, attempt }) => !worked.has(`${id}/${attempt}`))
    .map(
      ({ id, attempt, jobType }) =>
        `I2: attempt ${attempt} of ${jobType} run ${id} is recorded as a success, but nobody worked on it`,
    );
  const late = spells
    .filter(({ run, attempt }) => attempt > (last.get(run) ?? Number.POSITIVE_INFINITY))
    .map(
      ({ run, attempt }) =>
        `C6: attempt ${attempt} of run ${run} was worked on although attempt ${last.get(run)} had ended it`,
    );
  return [...unproven, ...late];
}

function lastWords(evidence: Evidence): string[] {
  const runs = runsById(evidence);
  return evidence.words.flatMap(({ run: id, attempt, heard }) => {
    const run = runs.get(id);
    const isItsEnd = isSuccess(run) && run.attempt === attempt;
    const name = `the completion of attempt ${attempt} of run ${id}`;
    if (heard === 'accepted' && !isItsEnd)
      return [`I2: ${name} was acknowledged, but the run ${fateOf(run)}`];
    if (heard === 'lost' && isItsEnd) return [`I2: ${name} was refused, but it is the run's end`];
    return [];
  });
}

function fateOf(run: OpenRun | EndedRun | undefined): string {
  if (run === undefined) return 'does not exist';
  return 'outcome' in run
    ? `ended as ${run.outcome} in attempt ${run.attempt}`
    : `is open in attempt ${run.attempt}`;
}

function isSuccess(run: OpenRun | EndedRun | undefined): run is EndedRun {
  return run !== undefined && 'outcome' in run && run.outcome === 'succeeded';
}

/** No fault strikes a worker, so none may go on with a run that another one has. */
function besideEachOther({ spells, readAtMs }: Evidence): string[] {
  const ofWorkers = Map.groupBy(
    spells.filter(({ where }) => where === 'worker'),
    ({ run }) => run,
  );
  return [...ofWorkers.values()].flatMap((ofRun) =>
    ofRun.flatMap((spell, index) =>
      ofRun
        .slice(0, index)
        .filter(({ toMs }) => (toMs ?? readAtMs) > spell.fromMs + APART_MS)
        .map(
          (other) =>
            `C7: a worker began attempt ${spell.attempt} of run ${spell.run} while another went on with attempt ${other.attempt}`,
        ),
    ),
  );
}

/** A worker that is there loses a lease only while neither this nor another replica can hear it. */
function leasesLost(evidence: Evidence): string[] {
  const { spells, faults } = evidence;
  const runs = runsById(evidence);
  return spells
    .filter(({ where }) => where === 'worker')
    .flatMap(({ run, attempt, fromMs }) => {
      const past = runs.get(run)?.pastAttempts.find((each) => each.attempt === attempt);
      if (past?.outcome !== 'lost') return [];
      const lostAtMs = Date.parse(past.finishedAt);
      const isExplained = faults.some(
        (fault) =>
          mayInterrupt(fault.kind) &&
          fault.startedAtMs <= lostAtMs &&
          windowOf(fault).toMs + LEASE_SECONDS * 1_000 >= fromMs,
      );
      return isExplained
        ? []
        : [
            `I8: attempt ${attempt} of run ${run} was lost at ${past.finishedAt}, but its worker and a replica were there`,
          ];
    });
}

/** Unless its replica was lost with the answer. */
function tooSoon(evidence: Evidence): string[] {
  const runs = runsById(evidence);
  return [...Map.groupBy(evidence.calls, ({ run }) => run)].flatMap(([id, ofRun]) =>
    ofRun.flatMap((call, index) => {
      const before = ofRun[index - 1];
      if (
        before === undefined ||
        before.notBeforeMs === null ||
        call.startedAtMs >= before.notBeforeMs - APART_MS
      )
        return [];
      const past = runs.get(id)?.pastAttempts.find(({ attempt }) => attempt === before.attempt);
      if (past?.outcome !== 'failed') return [];
      return [
        `C7: run ${id} was called again ${Math.round(before.notBeforeMs - call.startedAtMs)} ms before the instant that its endpoint had asked for`,
      ];
    }),
  );
}

/** I2: the very transaction. */
function queueJobs(evidence: Evidence): string[] {
  const { queueJobs: jobs, queueLines, ended, faults, readAtMs } = evidence;
  const completed = new Map(evidence.completions.map(({ run, xid }) => [run, xid]));
  const queued = Map.groupBy(jobs, ({ run }) => run);
  const worked = new Set(queueLines.map(({ run }) => run));
  const handedOver = ended.filter(
    ({ jobType, outcome }) => jobType === 'handed-over' && outcome === 'succeeded',
  );
  // A job that was fetched just then stays with its consumer for a quarter of an hour.
  const wasAway = (run: EndedRun): boolean =>
    faults.some(
      (fault) => /postgres|backend/.test(fault.kind.name) && windowOf(fault).toMs >= run.finishedAtMs,
    );
  return [
    ...jobs
      .filter(({ run, xid }) => completed.get(run) !== xid)
      .map(
        ({ run, xid }) =>
          `I2: the job of run ${run} was put into its queue by transaction ${xid}, and the run was completed by ${completed.get(run) ?? 'none'}`,
      ),
    ...handedOver
      .filter(({ id }) => queued.get(id)?.length !== 1)
      .map(
        ({ id }) =>
          `I2: run ${id} was handed over, and its queue has ${queued.get(id)?.length ?? 0} jobs of it`,
      ),
    ...handedOver
      .filter((run) => !worked.has(run.id) && run.finishedAtMs < readAtMs - WORKED_WITHIN_MS && !wasAway(run))
      .map(({ id }) => `C11: nobody has worked on the job of run ${id}`),
  ];
}

function effects({ effects: rows, completions, ended }: Evidence): string[] {
  const completed = new Map(completions.map((each) => [each.run, each]));
  const byRun = Map.groupBy(rows, ({ run }) => run);
  return [
    ...rows
      .filter(({ run, attempt, xid }) => {
        const completion = completed.get(run);
        return completion?.xid !== xid || completion.attempt !== attempt;
      })
      .map(
        ({ run, attempt, xid }) =>
          `I2: attempt ${attempt} of run ${run} wrote its row in transaction ${xid}, which did not complete it`,
      ),
    ...ended
      .filter(
        ({ id, jobType, outcome }) =>
          jobType === 'committed' && outcome === 'succeeded' && byRun.get(id)?.length !== 1,
      )
      .map(
        ({ id }) =>
          `I2: run ${id} was completed with its rows, of which there are ${byRun.get(id)?.length ?? 0}`,
      ),
  ];
}
