// What did each kind of fault cost? One line a kind: how often it struck, how long repairs took, how late fires
// started, and how much was done twice. Figures of a run on a machine of its own belong into the README; here they
// show which repair is slow.
import { punctual } from './limited/one-by-one.js';
import { limitsReached } from './checks/limit-check.js';
import { isDisturbed, windowOf } from './checks/fault-windows.js';
import type { Evidence, Fire } from './evidence.js';
import { locksReached } from './locks/lock-check.js';
import type { FaultRecord } from './faults.js';
import { measure, type Measure } from './measures.js';
import { stalledMs } from './stalls.js';
import { percentile, textTable } from './text-table.js';

const HEAD = [
  'fault',
  'times',
  'deaths',
  'new term (limit)',
  'slots owned (limit)',
  'runs restarted (limit)',
  'lateness p99',
  'lateness max (limit)',
];

export function budgetTable(evidence: Evidence): string[] {
  const kinds = Map.groupBy(evidence.faults, ({ kind }) => kind);
  const rows = [...kinds].map(([kind, faults]) => {
    const lateness = faults.flatMap((fault) => latenessIn(fault, evidence));
    const found = faults
      .filter((fault) => !isDisturbed(fault, evidence.faults))
      .flatMap((fault) => measure(fault, evidence));
    return [
      kind.name,
      String(faults.length),
      String(faults.reduce((sum, fault) => sum + deathsIn(fault, evidence), 0)),
      worst(found, 'new term'),
      worst(found, 'slots owned again'),
      worst(found, 'lost runs restarted'),
      lateness.length === 0 ? '-' : `${Math.round(percentile(lateness, 0.99))} ms`,
      lateness.length === 0
        ? '-'
        : `${Math.round(Math.max(...lateness))} ms (${kind.limits.latenessMs}${kind.from === 'heal' ? ' + outage' : ''})`,
    ];
  });
  return [...textTable(HEAD, rows), '', ...totals(evidence)];
}

function worst(found: readonly Measure[], what: Measure['what']): string {
  const ofThis = found.filter((each) => each.what === what);
  const [first] = ofThis;
  if (first === undefined) return '-';
  return `${Math.round(Math.max(...ofThis.map(({ ms }) => ms)))} ms of ${ofThis.length} (${first.limitMs})`;
}

function deathsIn(fault: FaultRecord, { events }: Evidence): number {
  const numbers = new Set(fault.struck.map(({ replica }) => replica));
  const { fromMs, toMs } = windowOf(fault);
  return events.filter(
    ({ type, replica, atMs }) =>
      type === 'replica-dead' && numbers.has(replica) && atMs >= fromMs && atMs <= toMs,
  ).length;
}

/** A fire belongs to the fault that struck last before it was due. */
function latenessIn(fault: FaultRecord, { fires, faults }: Evidence): number[] {
  const window = windowOf(fault);
  const nextMs = Math.min(
    ...faults.filter((other) => other.startedAtMs > fault.startedAtMs).map((other) => windowOf(other).fromMs),
    window.toMs,
  );
  return punctual(fires)
    .filter(({ startsAtMs }) => startsAtMs >= window.fromMs && startsAtMs < nextMs)
    .flatMap(latenessOf);
}

function latenessOf({ startedAtMs, startsAtMs }: Fire): number[] {
  return startedAtMs === null ? [] : [startedAtMs - startsAtMs];
}

function manyTotals({ audits, manyStarts, faults }: Evidence): string[] {
  if (audits.length === 0) return [];
  const late = (starts: Evidence['manyStarts']): string => {
    const lateness = starts.map(({ dueAtMs, startedAtMs }) => startedAtMs - dueAtMs);
    const max = lateness.reduce((most, ms) => Math.max(most, ms), 0);
    return `p99 ${Math.round(percentile(lateness, 0.99))} ms, max ${Math.round(max)} ms of ${starts.length}`;
  };
  const quiet = manyStarts.filter(({ dueAtMs }) => !isInFault(faults, dueAtMs));
  return [
    `many schedules: ${audits.length} audits; lateness ${late(manyStarts)} starts, outside of all fault windows ${late(quiet)}`,
  ];
}

function isInFault(faults: Evidence['faults'], dueAtMs: number): boolean {
  return faults.some((fault) => dueAtMs >= windowOf(fault).fromMs && dueAtMs <= windowOf(fault).toMs);
}

function totals(evidence: Evidence): string[] {
  const { fires, faults, posts, sideLog, ended, stalls, readAtMs } = evidence;
  const quiet = punctual(fires)
    .filter(({ startsAtMs }) => !isInFault(faults, startsAtMs))
    .flatMap(latenessOf);
  const outcomes = Map.groupBy(fires, ({ outcome }) => outcome);
  const answers = Map.groupBy(posts, ({ outcome }) => outcome);
  const ran = Map.groupBy(sideLog, ({ runId }) => runId);
  const again = [...ran.values()].filter((lines) => lines.length > 1).length;
  const lost = ended.reduce(
    (sum, { pastAttempts }) => sum + pastAttempts.filter(({ outcome }) => outcome === 'lost').length,
    0,
  );
  const show = (groups: ReadonlyMap<string, readonly unknown[]>): string =>
    [...groups].map(([name, rows]) => `${rows.length} ${name}`).join(', ');
  return [
    `lateness outside of all fault windows: p99 ${Math.round(percentile(quiet, 0.99))} ms, max ${Math.round(Math.max(0, ...quiet))} ms of ${quiet.length} fires`,
    ...manyTotals(evidence),
    `fires: ${show(outcomes)}; missing or doubled: see the violations`,
    `posts: ${show(answers)}`,
    `due times of the crowd, decided or left: ${evidence.crowd.reduce((sum, { decided }) => sum + decided, 0)}`,
    `attempts lost: ${lost}; runs of \`record\` whose handler ran more than once: ${again} of ${ran.size}`,
    limitsReached(evidence),
    locksReached(evidence),
    `words from outside: ${show(Map.groupBy(evidence.words, ({ heard }) => heard))}; spells: ${show(Map.groupBy(evidence.spells, ({ where }) => where))}; jobs in the user's queue: ${evidence.queueJobs.length}`,
    `the machine kept the harness itself waiting for ${Math.round(stalledMs(stalls, { fromMs: 0, toMs: readAtMs }))} ms in all`,
    `terms: ${evidence.terms.length}, deaths: ${evidence.events.filter(({ type }) => type === 'replica-dead').length}, resumptions: ${evidence.events.filter(({ type }) => type === 'replica-resumed').length}`,
  ];
}
