// How does a test come by the things it talks about? From builders that ask only for what matters to it;
// everything else is valid, dull, and different from one call to the next where ids are concerned.
import type { JobContext } from '#client/jobs/job-definition.js';
import { randomUUID, randomUUIDv7 } from '#database/runtime/uuid.js';
import type { ClaimedRun } from '#execution/runs/claimed-run.js';
import { AttemptContext, type AttemptServices, type GivenToAttempt } from '#execution/targets/job-context.js';
import type { HttpCall, PushLease } from '#execution/targets/http/http-target.js';
import { asId, type ScheduleId, type TenantId } from '#kernel/ids.js';
import type { WrittenPlan } from '#scheduling/planning/planning.repository.js';

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
export function givenToAttempt(wish: Partial<AttemptServices> = {}): GivenToAttempt {
  const say = (): void => undefined;
  const services = {
    log: { debug: say, info: say, warn: say, error: say },
    progress: say,
    heartbeat: say,
    enqueue: () => Promise.reject(new Error('expected a handler that enqueues nothing, got one that does')),
    previousFire: () =>
      Promise.reject(new Error('expected a handler that asks for no fire, got one that does')),
    completeInTx: () => Promise.reject(new Error('expected no completeInTx')),
    ...wish,
  };
  return { tenant: asId.tenantName('acme'), services: () => services };
}

/** What the handler of the run is told. */
export function jobContext(run: ClaimedRun, signal: AbortSignal = new AbortController().signal): JobContext {
  return new AttemptContext(run, signal, givenToAttempt());
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
