// Does each run have one history, and does what really ran agree with it? The side log and the harness's own HTTP
// endpoint say what ran; `run`, `run_history` and their lists of past attempts say what the cluster believes.
import type { EndedRun, Evidence, OpenRun } from '../evidence.js';
import type { SinkCall } from '../sink.js';
import { leftUnheard, mayCostTrust, mayFreeze, mayInterrupt, within } from './fault-windows.js';

/** I2; C5, C6, C7. */
export function checkAttempts(evidence: Evidence): string[] {
  return [
    ...manyEnds(evidence),
    ...[...evidence.open, ...evidence.ended].flatMap(wrongNumbers),
    ...lostByNobody(evidence),
    ...handlersTwice(evidence),
    ...afterTheEnd(evidence),
    ...outOfTurn(evidence),
    ...overlaps(evidence),
  ];
}

function manyEnds({ open, ended }: Evidence): string[] {
  const ends = Map.groupBy(ended, ({ id }) => id);
  const doubled = [...ends]
    .filter(([, rows]) => rows.length > 1)
    .map(
      ([id, rows]) =>
        `I2: run ${id} has ${rows.length} ends: ${rows.map((row) => `${row.outcome} by replica ${row.replica}`).join(', ')}`,
    );
  const both = open.filter(({ id }) => ends.has(id)).map(({ id }) => `I2: run ${id} has ended, and is open`);
  return [...doubled, ...both];
}

/** Past attempts are numbered from 1, each recorded once; the current one comes next. */
function wrongNumbers(run: OpenRun | EndedRun): string[] {
  const numbers = run.pastAttempts.map(({ attempt }) => attempt);
  // A run that was ended because it kills its replicas ends with its last lost attempt.
  const isPoison = 'outcome' in run && run.error?.name === 'Poison';
  const last = isPoison ? numbers.length : numbers.length + 1;
  const right = numbers.every((number, index) => number === index + 1) && run.attempt === last;
  return right
    ? []
    : [`I2: run ${run.id} is at attempt ${run.attempt} after the attempts ${JSON.stringify(numbers)}`];
}

/**
 * Only a death takes attempts along, and what a replica stops itself because it can't be sure to be alive for the
 * others.
 */
function lostByNobody({ open, ended, replicas, faults }: Evidence): string[] {
  const states = new Map(replicas.map(({ number, state }) => [number, state]));
  return [...open, ...ended].flatMap(({ id, pastAttempts }) =>
    pastAttempts
      // What a worker outside has lost, see outside-check.ts.
      .filter(({ outcome, worker }) => outcome === 'lost' && worker === undefined)
      .filter(({ replica }) => states.get(replica) !== 'dead')
      .filter(
        ({ error, finishedAt }) =>
          error?.name !== 'AttemptStopped' || !within(faults, mayCostTrust, Date.parse(finishedAt)),
      )
      .filter(
        ({ replica, error, finishedAt }) =>
          states.get(replica) !== 'left' ||
          error !== undefined ||
          !leftUnheard(faults, Date.parse(finishedAt)),
      )
      .map(
        ({ attempt, replica }) =>
          `I8: attempt ${attempt} of run ${id} was burned by replica ${replica}, which is ${states.get(replica)}`,
      ),
  );
}

/** `record` runs in one go: once an attempt has written its line, only a lost attempt can follow it. */
function handlersTwice({ sideLog }: Evidence): string[] {
  const seen = Map.groupBy(sideLog, ({ runId, attempt }) => `attempt ${attempt} of run ${runId}`);
  return [...seen]
    .filter(([, lines]) => lines.length > 1)
    .map(
      ([key, lines]) =>
        `C5: ${key} ran ${lines.length} times, in processes ${lines.map(({ pid }) => pid).join(' and ')}`,
    );
}

function afterTheEnd({ sideLog, calls, ended }: Evidence): string[] {
  const last = new Map(ended.map(({ id, attempt }) => [id, attempt]));
  const started = [...sideLog.map(({ runId, attempt }) => ({ run: runId, attempt })), ...calls];
  return started
    .filter(({ run, attempt }) => attempt > (last.get(run) ?? Number.POSITIVE_INFINITY))
    .map(
      ({ run, attempt }) =>
        `C6: attempt ${attempt} of run ${run} ran although attempt ${last.get(run)} had ended it`,
    );
}

/**
 * A frozen replica may wake in the middle of a start; no other replica starts an attempt that a second one has begun
 * after it.
 */
function outOfTurn({ sideLog, faults }: Evidence): string[] {
  const highest = new Map<string, number>();
  return sideLog.flatMap(({ runId, attempt, pid, seenAtMs }) => {
    const before = highest.get(runId) ?? 0;
    highest.set(runId, Math.max(before, attempt));
    if (attempt >= before || within(faults, mayFreeze, seenAtMs)) return [];
    return [`C7: attempt ${attempt} of run ${runId} ran in process ${pid} after attempt ${before}`];
  });
}

/** At the harness's endpoint: attempts of one run follow one another, but for replicas that could not be stopped. */
function overlaps({ calls, faults, readAtMs }: Evidence): string[] {
  return [...Map.groupBy(calls, ({ run }) => run).values()].flatMap((ofRun) =>
    ofRun.flatMap((call, index) => {
      const earlier = ofRun.slice(0, index);
      const beside = earlier.filter((other) => (other.endedAtMs ?? readAtMs) > call.startedAtMs);
      const again = earlier.filter((other) => other.attempt === call.attempt);
      return [
        ...beside
          .filter(() => !within(faults, mayInterrupt, call.startedAtMs))
          .map((other) => `C7: ${nameOf(call)} was called while attempt ${other.attempt} of it went on`),
        ...again.map((other) => `C5: ${nameOf(call)} was called again, the first time was ${other.ending}`),
      ];
    }),
  );
}

function nameOf({ run, attempt }: SinkCall): string {
  return `attempt ${attempt} of run ${run}`;
}
