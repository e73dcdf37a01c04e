// Were limits kept through all faults? At no instant may more attempts have executed than the tenant, the job type or
// the concurrency key allows, by their own accounts; no window may have seen more starts than the bucket of a rate; and
// nothing may have started in a paused queue or of a suspended tenant once the order had got round.
import type { Evidence } from '../evidence.js';
import { serialSchedule } from '../limited/one-by-one.js';
import { LIMITED_JOB_TYPES, LIMITED_TENANTS, type Rate } from '../limited/tenants.js';
import { LOCK_LIMITS, UNDER_LOCKS } from '../limited/under-locks.js';
import type { Standstill } from '../limited/steering.js';
import { stalledMs } from '../stalls.js';
import { runsById, seatOf, spansOf, type Span } from './attempt-spans.js';
import { mayInterrupt, windowOf, within } from './fault-windows.js';

/** Two processes read their clocks at different moments, and the database says what is lost to the millisecond. */
const OVERLAP_MS_MIN = 5;
/** Between a start and its handler's first line, on a busy machine. */
const START_MS = 200;
/** Rules are read once a second, and what was claimed before is given back then. */
const ORDER_GETS_ROUND_MS = 3_000;
const EXAMPLES = 3;

/** I7, which is C12. */
export function checkLimits(evidence: Evidence): string[] {
  const spans = spansOf(evidence);
  return [
    ...concurrencyLimits(spans).flatMap(tooManyAtOnce),
    ...oneByOne(spans).flatMap(tooManyAtOnce),
    ...underLocks(spans).flatMap(tooManyAtOnce),
    ...tooOften(spans),
    ...evidence.standstills.flatMap((standstill) => startedAllTheSame(evidence, spans, standstill)),
  ];
}

interface LimitedSpans {
  readonly what: string;
  readonly limit: number;
  readonly spans: readonly Span[];
}

/** Each limit, with all that counts against it. */
function concurrencyLimits(spans: readonly Span[]): LimitedSpans[] {
  return LIMITED_TENANTS.flatMap((tenant) => {
    const ofTenant = spans.filter(({ run }) => run.tenant === tenant.name);
    const ofTypes = LIMITED_JOB_TYPES.flatMap(({ name, limits }) => {
      const ofType = ofTenant.filter(({ run }) => run.jobType === name);
      const what = `${name} runs of ${tenant.name}`;
      const byKey = Map.groupBy(ofType, ({ run }) => run.concurrencyKey);
      return [
        { what, limit: limits.maxConcurrent, spans: ofType },
        ...[...byKey].map(([key, ofKey]) => ({
          what: `${what} with key ${key}`,
          limit: key === null ? undefined : limits.maxConcurrentPerKey,
          spans: ofKey,
        })),
      ];
    });
    return [
      { what: `runs of ${tenant.name}`, limit: tenant.limits.maxConcurrent, spans: ofTenant },
      ...ofTypes,
    ].flatMap(({ limit, ...rest }) => (limit === undefined ? [] : [{ ...rest, limit }]));
  });
}

/** Schedules whose runs must not overlap. */
function oneByOne(spans: readonly Span[]): LimitedSpans[] {
  const bySchedule = Map.groupBy(spans, ({ run }) => serialSchedule(run.concurrencyKey));
  return [...bySchedule].flatMap(([schedule, ofSchedule]) =>
    schedule === null
      ? []
      : [{ what: `runs of schedule ${schedule}, which must not overlap,`, limit: 1, spans: ofSchedule }],
  );
}

/** What one lock, or a semaphore's permits, let run at once. */
function underLocks(spans: readonly Span[]): LimitedSpans[] {
  return LOCK_LIMITS.map(({ lock, limit, jobTypes }) => ({
    what: `runs that need ${lock}`,
    limit,
    spans: spans.filter(({ run }) => run.tenant === UNDER_LOCKS && jobTypes.includes(run.jobType)),
  }));
}

/**
 * The spans that execute as each of them begins, itself included. A replica that was frozen between a start and its
 * handler's first line says that line when the attempt has long been given up, and its place taken: that counts for nothing.
 */
function executing(spans: readonly Span[]): Span[][] {
  const sorted = spans.filter(({ fromMs, toMs }) => toMs > fromMs).toSorted((a, b) => a.fromMs - b.fromMs);
  return sorted.map((span, index) =>
    sorted.slice(0, index + 1).filter((other) => other === span || other.toMs > span.fromMs + OVERLAP_MS_MIN),
  );
}

export function tooManyAtOnce({ what, limit, spans }: LimitedSpans): string[] {
  const excesses = executing(spans).filter((atOnce) => atOnce.length > limit);
  return shorten(
    excesses.map((atOnce) => {
      const atMs = Math.max(...atOnce.map(({ fromMs }) => fromMs));
      return `I7: ${atOnce.length} ${what} executed at once at ${new Date(atMs).toISOString()}, allowed are ${limit}: ${atOnce.map(nameOf).join(', ')}`;
    }),
  );
}

interface Start {
  readonly span: Span;
  /** By its own account, and by the cluster's. */
  readonly saidMs: number;
  readonly recordedMs: number;
}

/**
 * A window counts when the attempts' own accounts and the recorded starts agree on it: the former come late where a
 * replica was held up after the start, the latter err where its idea of the database's clock does. What was lost
 * before is left out: its start is written down between its token and itself, however long that takes. So is what is
 * pulled: its rate is that of the offers.
 */
function tooOften(spans: readonly Span[]): string[] {
  const starts = spans
    .filter(({ run, where }) => run.jobType !== 'pulled' && where !== 'stray')
    .filter(
      ({ run, attempt }) =>
        !run.pastAttempts.some((past) => past.outcome === 'lost' && past.attempt < attempt),
    )
    .map((span) => ({ span, saidMs: span.fromMs, recordedMs: recordedStart(span) ?? span.fromMs }));
  return LIMITED_TENANTS.flatMap((tenant) => {
    const ofTenant = starts.filter(({ span }) => span.run.tenant === tenant.name);
    const ofTypes = LIMITED_JOB_TYPES.flatMap(({ name, limits }) =>
      crowded(
        `${name} runs of ${tenant.name}`,
        ofTenant.filter(({ span }) => span.run.jobType === name),
        limits.rate,
      ),
    );
    return [...crowded(`runs of ${tenant.name}`, ofTenant, tenant.limits.rate), ...ofTypes];
  });
}

function crowded(what: string, starts: readonly Start[], rate: Rate | undefined): string[] {
  if (rate === undefined) return [];
  const perMs = rate.count / (rate.perSeconds * 1_000);
  const isTooMuch = (count: number, ms: number): boolean => count > rate.count + (ms + START_MS) * perMs;
  const sorted = starts.toSorted((a, b) => a.saidMs - b.saidMs);
  const windows = sorted.flatMap((first, from) =>
    sorted.slice(from + rate.count).flatMap((last, index) => {
      const window = sorted.slice(from, from + rate.count + index + 1);
      if (!isTooMuch(window.length, last.saidMs - first.saidMs)) return [];
      const recorded = window.map(({ recordedMs }) => recordedMs);
      const recordedMs = Math.max(...recorded) - Math.min(...recorded);
      if (!isTooMuch(window.length, recordedMs)) return [];
      return [
        `I7: ${window.length} ${what} started within ${Math.round(last.saidMs - first.saidMs)} ms at ${new Date(first.saidMs).toISOString()}, allowed are ${rate.count} and ${rate.count} in ${rate.perSeconds} s: ${window.map(({ span }) => nameOf(span)).join(', ')}`,
      ];
    }),
  );
  return shorten(windows);
}

function recordedStart({ run, attempt }: Span): number | undefined {
  if ('startedAtMs' in run && run.attempt === attempt) return run.startedAtMs ?? undefined;
  const past = run.pastAttempts.find((each) => each.attempt === attempt);
  return past?.startedAt === undefined ? undefined : Date.parse(past.startedAt);
}

/** By the replica, if it has said so: on a busy machine the thread of a handler takes a second to say its first line. */
function begunAtMs(span: Span): number {
  return Math.min(span.fromMs, recordedStart(span) ?? span.fromMs);
}

/** But for replicas that a fault kept from hearing of it. */
function startedAllTheSame(evidence: Evidence, spans: readonly Span[], standstill: Standstill): string[] {
  const { tenant, queue, fromMs, toMs } = standstill;
  const started = spans
    .filter(({ run }) => run.tenant === tenant && (queue === null || run.queue === queue))
    .filter((span) => span.fromMs < toMs)
    .filter((span) => {
      const begunMs = begunAtMs(span);
      const lostMs = stalledMs(evidence.stalls, { fromMs, toMs: begunMs });
      return begunMs > fromMs + ORDER_GETS_ROUND_MS + lostMs;
    })
    .filter((span) => !mayNotHaveHeard(evidence, span));
  const what = queue === null ? `${tenant} was suspended` : `queue ${queue} of ${tenant} was paused`;
  return shorten(
    started.map(
      (span) =>
        `I7: ${nameOf(span)} began ${Math.round(begunAtMs(span) - fromMs)} ms after ${what} (${span.where})`,
    ),
  );
}

function mayNotHaveHeard(evidence: Evidence, span: Span): boolean {
  const { faults } = evidence;
  // Which replica's answer brought a lease, the worker does not say.
  const seat = span.where === 'worker' || span.where === 'stray' ? undefined : seatOf(evidence, span);
  if (seat === undefined) return within(faults, mayInterrupt, span.fromMs);
  return faults.some((fault) => {
    const { fromMs, toMs } = windowOf(fault);
    const isStruck = fault.struck.some((each) => each.seat === seat);
    return isStruck && mayInterrupt(fault.kind) && span.fromMs >= fromMs && span.fromMs <= toMs;
  });
}

function nameOf({ run, attempt }: Span): string {
  return `attempt ${attempt} of ${run.jobType} run ${run.id}`;
}

function shorten(sentences: readonly string[]): string[] {
  if (sentences.length <= EXAMPLES) return [...sentences];
  return [...sentences.slice(0, EXAMPLES), `I7: ${sentences.length - EXAMPLES} more like the last one`];
}

/** For the account at the end: how often each kind of limit was reached, of how many. */
export function limitsReached(evidence: Evidence): string {
  const spans = spansOf(evidence);
  const limits = [...concurrencyLimits(spans), ...underLocks(spans)];
  const reached = limits.filter(({ spans, limit }) =>
    executing(spans).some((atOnce) => atOnce.length >= limit),
  );
  const limited = [...runsById(evidence).values()].filter(({ tenant }) =>
    LIMITED_TENANTS.some(({ name }) => name === tenant),
  );
  const dropped = evidence.fires.filter(({ reason }) => reason === 'overlap').length;
  return `limits reached: ${reached.length} of ${limits.length} of concurrency; due times skipped for an overlap: ${dropped}; runs of limited tenants: ${limited.length}; standstills: ${evidence.standstills.length}`;
}
