// How does a test come by the things it talks about? From builders that ask only for what matters to it;
// everything else is valid, dull, and different from one call to the next where ids are concerned.
import type { JobContext } from '#client/jobs/job-definition.js';
import { randomUUID, randomUUIDv7 } from '#database/runtime/uuid.js';
import { RunningAttempt } from '#execution/attempts/running-attempt.js';
import { HeldRuns } from '#execution/held/held-runs.js';
import type { ClaimedRun } from '#execution/runs/claimed-run.js';
import type { AttemptResult } from '#execution/runs/decisions/run-transition.js';
import type { CallTarget } from '#execution/targets/targets.js';
import { AttemptContext, type AttemptServices } from '#execution/targets/job-context.js';
import type { HttpCall, PushLease } from '#execution/targets/http/http-target.js';
import { asId, type ScheduleId, type TenantId } from '#kernel/ids.js';
import type { WrittenPlan } from '#scheduling/planning/planning.repository.js';

const ACME = asId.tenantName('acme');

/** A first attempt of a run from the API, due now. */
export function claimedRun(wish: Partial<Omit<ClaimedRun, 'lane'>> = {}): ClaimedRun {
  const { queue = 'default', jobType = 'noop', concurrencyKey = null } = wish;
  return {
    lane: [queue, jobType, ...(concurrencyKey === null ? [] : [concurrencyKey])].join('/'),
    id: asId.run(randomUUID()),
    claimId: asId.claim(randomUUID()),
    tenantId: asId.tenant(randomUUID()),
    slot: asId.slot(0),
    jobType: 'noop',
    queue: 'default',
    concurrencyKey: null,
    scheduleId: null,
    dueAt: null,
    payload: {},
    priority: 0,
    runAt: new Date('2026-11-21T08:00:00.000Z'),
    attempt: 1,
    failures: 0,
    losses: 0,
    deadline: null,
    isCancelRequested: false,
    place: -1,
    details: null,
    ...wish,
  };
}

/** For an attempt whose words are of no matter, but for those that the test listens to. */
function attemptServices(wish: Partial<AttemptServices>): AttemptServices {
  const say = (): void => undefined;
  return {
    log: { debug: say, info: say, warn: say, error: say },
    progress: say,
    heartbeat: say,
    enqueue: () => Promise.reject(new Error('expected a handler that enqueues nothing, got one that does')),
    previousFire: () =>
      Promise.reject(new Error('expected a handler that asks for no fire, got one that does')),
    completeInTx: () => Promise.reject(new Error('expected no completeInTx')),
    ...wish,
  };
}

/** What the handler of the run is told. */
export function jobContext(
  run: ClaimedRun,
  signal: AbortSignal = new AbortController().signal,
  services: Partial<AttemptServices> = {},
): JobContext {
  return new AttemptContext(run, ACME, { signal, services: () => attemptServices(services) });
}

/** An attempt of a run that is held, with all that it says. Its target is called by the test. */
export function startedAttempt(run = claimedRun(), services: Partial<AttemptServices> = {}) {
  const runs = new HeldRuns({ held: 1, running: 1 });
  runs.add([run], () => 0);
  const [held] = runs.takeDue(0);
  if (held === undefined) throw new Error('expected a run that is due');
  const late: AttemptResult[] = [];
  const thrown: unknown[] = [];
  const { promise: result, resolve } = Promise.withResolvers<AttemptResult>();
  const attempt = new RunningAttempt(held, run.runAt, 0, {
    now: () => new Date('2026-11-21T08:00:00Z'),
    services: () => attemptServices(services),
    onEnd: (_attempt, said) => resolve(said),
    onLate: (_attempt, said) => late.push(said),
    onThrown: (_attempt, error) => thrown.push(error),
  });
  return { attempt, call: (target: CallTarget) => attempt.call(ACME, target), late, thrown, result };
}

/** What a call to an endpoint says beside its run. */
export function pushed(wish: Partial<PushLease> = {}): Pick<HttpCall, 'secrets' | 'lease' | 'now'> {
  const id = asId.lease(randomUUIDv7());
  const lease = {
    id,
    token: `token-of-${id}`,
    callbackUrl: `http://replica/${id}`,
    timeoutMs: 10_000,
    ...wish,
  };
  return { secrets: [], lease, now: new Date() };
}

/** All of a tenant's runs that can be tried again by default. */
export function anyThatWentWrong(tenantId: TenantId) {
  return {
    tenantId,
    jobType: null,
    queue: null,
    tag: null,
    scheduleId: null,
    createdAfter: null,
    createdBefore: null,
    asOf: new Date(),
    outcomes: ['failed', 'dead-lettered'] as const,
    limit: 500,
  };
}

/** The plan of a schedule that leaves a minute of its past behind. */
export function leftBehind({ id, dueAt }: { id: ScheduleId; dueAt: Date }): WrittenPlan {
  const to = new Date(dueAt.getTime() + 60_000);
  return {
    schedule: { id, nextDueAt: dueAt, revision: 1 },
    fires: [],
    gap: { from: dueAt, to, outcome: 'missed', reason: 'catch-up window' },
    nextDueAt: to,
  };
}
