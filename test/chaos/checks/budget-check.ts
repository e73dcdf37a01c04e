// Was every failure repaired in time, and was nothing taken for a failure that was none? Deaths are compared with the
// faults that may explain them, measured times with the limits of the fault, and every fire's lateness with the limits
// of the faults that were about.
import { punctual } from '../limited/one-by-one.js';
import type { Evidence } from '../evidence.js';
import { measure } from '../measures.js';
import { stalledMs } from '../stalls.js';
import { around, isDisturbed, latenessLimitAt, SLACK_MS, windowOf } from './fault-windows.js';
import { withStandIns } from './stand-in.js';

/** How late a fire may start while nothing is wrong. */
const QUIET_LATENESS_MS_MAX = 2_000;
const EXAMPLES = 5;

/** I8; C3, C10. */
export function checkBudget(evidence: Evidence): string[] {
  return [
    ...falseDeaths(evidence),
    ...missedDeaths(evidence),
    ...slowRepairs(evidence),
    ...lateFires(evidence),
    ...complaints(evidence),
  ];
}

function falseDeaths({ events, faults, replicas }: Evidence): string[] {
  const seatOf = new Map(replicas.map(({ number, name }) => [number, name]));
  return events
    .filter(({ type }) => type === 'replica-dead')
    .filter(
      ({ replica, atMs }) =>
        !faults.some(
          (fault) =>
            fault.kind.death !== 'never' &&
            isIn(fault, atMs) &&
            fault.struck.some(({ seat }) => seat === seatOf.get(replica ?? -1)),
        ),
    )
    .map(
      ({ replica, atMs, data }) =>
        `I8: replica ${replica} (${seatOf.get(replica ?? -1)}) was declared dead (${String(data['reason'])}, silent for ${String(data['silentMs'])} ms) at ${new Date(atMs).toISOString()}, during ${describe(around(faults, atMs))}`,
    );
}

function isIn(fault: Evidence['faults'][number], atMs: number): boolean {
  const { fromMs, toMs } = windowOf(fault);
  return atMs >= fromMs && atMs <= toMs;
}

function missedDeaths({ events, faults }: Evidence): string[] {
  return faults
    .filter(({ kind }) => kind.death === 'must')
    .flatMap((fault) =>
      fault.struck
        .filter(
          ({ replica }) =>
            replica !== null &&
            !events.some((event) => event.type === 'replica-dead' && event.replica === replica),
        )
        // Another fault at the same time may have ended it in another way, or kept it from ever joining.
        .filter(() => !isDisturbed(fault, faults))
        .map(
          ({ seat, replica }) =>
            `I8: replica ${replica} (${seat}) was never declared dead after ${fault.kind.name} at ${new Date(fault.startedAtMs).toISOString()}`,
        ),
    );
}

/** A fault that struck beside or right after another one may wait for what the other one takes. */
function slowRepairs(evidence: Evidence): string[] {
  const { faults, stalls } = evidence;
  return faults
    .filter((fault) => !isDisturbed(fault, faults))
    .flatMap((fault) =>
      measure(fault, evidence)
        .filter(
          ({ ms, sinceMs, limitMs }) =>
            ms > limitMs + SLACK_MS + stalledMs(stalls, { fromMs: sinceMs, toMs: sinceMs + ms }),
        )
        .map(
          ({ what, ms, limitMs }) =>
            `C10: ${what} took ${Math.round(ms)} ms, not ${limitMs}, after ${fault.kind.name} at ${new Date(fault.startedAtMs).toISOString()} (${fault.struck.map(({ seat, led }) => seat + (led ? ', leading' : '')).join('; ')})`,
        ),
    );
}

function lateFires({ fires, faults, stalls }: Evidence): string[] {
  const late = withStandIns(punctual(fires))
    // What a backfill runs has passed long before.
    .filter(({ startedAtMs, reason }) => startedAtMs !== null && reason !== 'backfill')
    .map((fire) => ({
      ...fire,
      latenessMs: (fire.startedAtMs ?? 0) - fire.startsAtMs,
      limitMs:
        Math.max(QUIET_LATENESS_MS_MAX, latenessLimitAt(faults, fire.startsAtMs)) +
        stalledMs(stalls, { fromMs: fire.startsAtMs, toMs: fire.startedAtMs ?? fire.startsAtMs }),
    }))
    .filter(({ latenessMs, limitMs }) => latenessMs > limitMs)
    .toSorted((a, b) => b.latenessMs - b.limitMs - (a.latenessMs - a.limitMs));
  const examples = late
    .slice(0, EXAMPLES)
    .map(
      ({ tenant, schedule, dueAtMs, startsAtMs, latenessMs, limitMs }) =>
        `C3: ${tenant}/${schedule} at ${new Date(dueAtMs).toISOString()} started ${Math.round(latenessMs)} ms late, not ${Math.round(limitMs)}, during ${describe(around(faults, startsAtMs))}`,
    );
  return late.length > EXAMPLES
    ? [...examples, `C3: ${late.length - EXAMPLES} more fires started too late`]
    : examples;
}

function complaints({ faults }: Evidence): string[] {
  return faults.flatMap(({ notes }) => notes.filter((note) => note.startsWith('I8: ')));
}

function describe(faults: Evidence['faults']): string {
  return faults.length === 0
    ? 'nothing'
    : faults
        .map(
          ({ kind, struck, startedAtMs }) =>
            `${kind.name} of ${struck.map(({ seat }) => seat).join(', ')} since ${new Date(startedAtMs).toISOString().slice(11, 23)}`,
        )
        .join(' and ');
}
