// What does a test need of the owner of slots? The parts that claim, start and settle, over a member that serves
// slots, with handlers of the test's own and passes made by hand.
import { onTestFinished } from 'vitest';
import { z } from 'zod';
import { defineJob, type JobHandlerFunction } from '#client/jobs/job-definition.js';
import { systemClock, systemRandom } from '#database/runtime/system-clock.js';
import { ClaimLoop } from '#execution/claiming/claim-loop.js';
import { DEFAULT_CLAIM_SETTINGS, type ClaimSettings } from '#execution/claiming/claim-settings.js';
import { HandlerRegistry } from '#execution/targets/handler-registry.js';
import { HeldWatchLoop } from '#execution/attempts/held-watch-loop.js';
import { DEFAULT_RETRY } from '#kernel/backoff.js';
import type { RetryPolicy } from '#execution/job-types/job-type.js';
import { registerSharedJobType } from '#execution/job-types/job-type.repository.js';
import { OverdueLeasesLoop } from '#execution/leases/overdue-leases-loop.js';
import { LeaseTokens } from '#execution/leases/lease-token.js';
import { ProgressLoop } from '#execution/reports/progress-loop.js';
import { RunLogLoop } from '#execution/reports/run-log-loop.js';
import { StrayClaimsLoop } from '#execution/takeover/stray-claims-loop.js';
import { RevocationLoop } from '#execution/takeover/revocation-loop.js';
import { TakingIn } from '#execution/taking-in/taking-in.js';
import { StartLoop } from '#execution/attempts/start-loop.js';
import type { LockWish } from '#locks/lock.js';
import type { JobTypeLimits } from '#execution/limits/limits.js';
import { GRACE_MS } from '#scheduling/outages/decisions/passed.js';
import { withoutPassed } from '#scheduling/outages/passed-runs.js';
import type { ClaimedRun } from '#execution/runs/claimed-run.js';
import { subscribeExecuting } from '#server/replica/subscriptions.js';
import { buildExecution } from '#server/replica/execution-parts.js';
import { schemaChecks } from './schema-checks.js';
import type { TestMember } from './test-member.js';
import { until } from './until.js';

export interface OwnerOptions {
  /** Limits of job types, by name. */
  limitsOf?: Record<string, JobTypeLimits>;
  /** Locks of job types, by name. */
  locksOf?: Record<string, LockWish[]>;
  handlers?: Readonly<Record<string, JobHandlerFunction<unknown>>>;
  retry?: Partial<RetryPolicy>;
  timeoutMs?: number;
  heartbeatMs?: number;
  graceMs?: number;
  limits?: { held: number; running: number };
  claim?: Partial<ClaimSettings>;
}

const CLAIMING = { clock: systemClock, lateMs: GRACE_MS, stillToStart: withoutPassed<ClaimedRun> };
const COMPLETE_IN_TX = { atOnce: 2, path: '"$user", public', deadAfterMs: 60_000 };

export async function startOwner(member: TestMember, options: OwnerOptions = {}) {
  const { membership, databaseClock, ownership, leadership, hints } = member;
  const execution = buildExecution(member, {
    registry: await registerHandlers(member, options),
    tokens: new LeaseTokens(Buffer.alloc(32)),
    checks: schemaChecks(),
    limits: options.limits ?? { held: 1_000, running: 100 },
    completeInTx: COMPLETE_IN_TX,
    graceMs: options.graceMs ?? 100,
    queueSchema: 'pgboss',
    allowedHosts: [],
    callbackUrl: 'http://127.0.0.1:1',
    onError: () => undefined,
    onCallFailed: () => undefined,
  });
  const { held, rules, occupancy, running, executor, overlaps, settleLoop, runLog, notes, queues } =
    execution;
  const driving = { membership, held, running, executor, overlaps, databaseClock, clock: systemClock };
  onTestFinished(() => queues.stop());
  onTestFinished(() => execution.outlet.destroy());
  const parts = {
    runLogLoop: new RunLogLoop(membership, runLog, systemClock),
    progress: new ProgressLoop(membership, notes, systemClock),
    ...execution,
    claim: new ClaimLoop(membership, ownership, held, {
      settings: { ...DEFAULT_CLAIM_SETTINGS, ...options.claim },
      ...CLAIMING,
      rules,
      occupancy,
    }),
    start: new StartLoop({ ...driving, ...execution }),
    heldWatch: new HeldWatchLoop(driving),
    strayClaims: new StrayClaimsLoop(membership, held),
    revocation: new RevocationLoop(leadership, hints),
    overdueLeases: new OverdueLeasesLoop(leadership, hints, {
      clock: systemClock,
      random: systemRandom,
      graceMs: 10_000,
    }),
    /** Claims until a pass finds nothing more. */
    claimAll: async (): Promise<void> => {
      parts.claim.scanEverywhere();
      while ((await parts.claim.runOnce()) === 0 && held.room() > 0);
    },
    /** Starts what is due and waits until as many attempts have ended and are written. */
    finish: async (): Promise<void> => {
      await until('nothing is held', async () => {
        await parts.start.runOnce();
        await settleLoop.runOnce();
        return held.size === 0;
      });
    },
  };
  subscribeExecuting({ ...parts, membership, databaseClock, ownership });
  const expect = execution.targets.expect.bind(execution.targets);
  const { door } = parts.claim;
  const takingIn = new TakingIn({ membership, door, held, expect, clock: systemClock, atOnce: 2 });
  return { ...parts, takingIn };
}

async function registerHandlers(member: TestMember, options: OwnerOptions): Promise<HandlerRegistry> {
  const registry = new HandlerRegistry();
  for (const [name, handle] of Object.entries({ noop: () => null, ...options.handlers })) {
    registry.register({ definition: defineJob({ name, payload: z.unknown() }), handle });
    await registerSharedJobType(member.self().db, {
      name,
      target: { kind: 'handler', handler: name },
      retry: { ...DEFAULT_RETRY, minMs: 0, jitter: 0, ...options.retry },
      timeoutMs: options.timeoutMs ?? 10_000,
      limits: options.limitsOf?.[name] ?? {},
      locks: options.locksOf?.[name] ?? [],
      payloadSchema: null,
      heartbeatMs: options.heartbeatMs ?? null,
    });
  }
  return registry;
}
