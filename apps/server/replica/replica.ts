// Builds one replica from the parts of the libs, in the order of the main story: membership, leadership and ownership;
// then planning; then claiming, starting and settling. It decides nothing.
import { hostname } from 'node:os';
import { DatabaseClock } from '#cluster/membership/database-clock.js';
import { ElectionLoop } from '#cluster/leadership/election-loop.js';
import { HeartbeatLoop } from '#cluster/membership/heartbeat-loop.js';
import { HintsLoop } from '#cluster/hints/hints-loop.js';
import { HorizonLoop } from '#cluster/horizon/horizon-loop.js';
import { Leadership } from '#cluster/leadership/leadership.js';
import { LookoutLoop } from '#cluster/lookout/lookout-loop.js';
import { Membership } from '#cluster/membership/membership.js';
import { OwnershipLoop } from '#cluster/slots/ownership-loop.js';
import { OwnerUrlsLoop } from '#cluster/slots/owner-urls-loop.js';
import { SweepLoop } from '#cluster/sweep/sweep-loop.js';
import { systemClock as clock, systemRandom as random } from '#database/runtime/system-clock.js';
import { ClaimLoop } from '#execution/claiming/claim-loop.js';
import { DEFAULT_CLAIM_SETTINGS } from '#execution/claiming/claim-settings.js';
import type { ClaimedRun } from '#execution/runs/claimed-run.js';
import { OverdueRunsLoop } from '#execution/run-actions/overdue-runs-loop.js';
import type { HeldRuns } from '#execution/held/held-runs.js';
import type { HandlerRegistry } from '#execution/targets/handler-registry.js';
import { HeldWatchLoop } from '#execution/attempts/held-watch-loop.js';
import type { RunLocks } from '#execution/locking/run-locks.js';
import type { SettleLoop } from '#execution/settling/settle-loop.js';
import { ProgressLoop } from '#execution/reports/progress-loop.js';
import type { CallFailure } from '#execution/targets/http/http-push.js';
import { OverdueLeasesLoop } from '#execution/leases/overdue-leases-loop.js';
import type { LeaseTokens } from '#execution/leases/lease-token.js';
import { StrayClaimsLoop } from '#execution/takeover/stray-claims-loop.js';
import { RevocationLoop } from '#execution/takeover/revocation-loop.js';
import { DebouncedRunsLoop } from '#execution/intake/debounce/debounced-runs-loop.js';
import { RunLogLoop } from '#execution/reports/run-log-loop.js';
import type { SchemaChecks } from '#execution/schemas/schema-checks.js';
import { TakingIn } from '#execution/taking-in/taking-in.js';
import type { Targets } from '#execution/targets/targets.js';
import { StartLoop } from '#execution/attempts/start-loop.js';
import { GapLoop } from '#scheduling/planning/gap-loop.js';
import { GRACE_MS } from '#scheduling/outages/decisions/passed.js';
import { withoutPassed } from '#scheduling/outages/passed-runs.js';
import { PlannerLoop } from '#scheduling/planning/planner-loop.js';
import { DEFAULT_PLANNER_SETTINGS, type PlannerSettings } from '#scheduling/planning/planner-settings.js';
import { CalendarLoop } from '#scheduling/calendars/calendar-loop.js';
import { FollowingLoop } from '#scheduling/following/following-loop.js';
import { FailingLoop } from '#scheduling/failing/failing-loop.js';
import { SuspensionLoop } from '#scheduling/suspending/suspension-loop.js';
import type { ServerConfig } from '../settings/config.js';
import { recounting } from './recounting.js';
import { subscribeMember, subscribeExecuting } from './subscriptions.js';
import { buildExecution, type Executing } from './execution-parts.js';

export interface ReplicaOptions {
  config: ServerConfig;
  registry: HandlerRegistry;
  /** The URL of this replica's API. */
  url: string;
  version: string;
  /** The search path for the handlers' own tables. */
  handlerPath: string;
  tokens: LeaseTokens;
  checks: SchemaChecks;
  planning?: PlannerSettings;
  onError: (error: Error) => void;
  /** A call to a tenant's endpoint had no answer; the tenant sees fewer details. */
  onCallFailed: (failure: CallFailure) => void;
}

export type Replica = ReturnType<typeof buildReplica>;

const CLAIMING = {
  settings: DEFAULT_CLAIM_SETTINGS,
  clock,
  lateMs: GRACE_MS,
  stillToStart: withoutPassed<ClaimedRun>,
};

export function buildReplica(options: ReplicaOptions) {
  const { config } = options;
  const membership = buildMembership(options);
  const databaseClock = new DatabaseClock(clock);
  const hints = new HintsLoop(membership, clock, config.CARILLON_HINTS_PER_SECOND);
  const leadership = new Leadership(membership, clock);
  const ownership = new OwnershipLoop(membership, hints);

  const execution = executionOf(options, ownership, { membership, databaseClock, hints });
  const { held, rules, occupancy, running, executor, overlaps } = execution;
  const driving = { membership, held, running, executor, overlaps, databaseClock, clock };

  const parts = {
    membership,
    databaseClock,
    hints,
    leadership,
    ownership,
    ...execution,
    ...apiLoops(membership, hints),
    runLogLoop: new RunLogLoop(membership, execution.runLog, clock),
    progress: new ProgressLoop(membership, execution.notes, clock),
    heartbeat: new HeartbeatLoop(membership, config.cluster, clock),
    election: new ElectionLoop(membership, leadership, config.cluster, clock),
    sweep: new SweepLoop(leadership, hints, config.cluster, clock),
    horizon: new HorizonLoop(leadership, clock, config.CARILLON_HORIZON_WARN_SECONDS * 1_000),
    ...buildScheduling(leadership, hints, options.planning ?? DEFAULT_PLANNER_SETTINGS),
    revocation: new RevocationLoop(leadership, hints),
    overdueRuns: new OverdueRunsLoop(leadership, clock),
    overdueLeases: new OverdueLeasesLoop(leadership, hints, { clock, random, graceMs: graceMsOf(config) }),
    claim: new ClaimLoop(membership, ownership, held, { ...CLAIMING, rules, occupancy }),
    start: new StartLoop({ ...driving, ...execution }),
    heldWatch: new HeldWatchLoop(driving),
    strayClaims: new StrayClaimsLoop(membership, held),
  };
  const takingIn = takingInOf(parts, config);
  const lookout = lookoutOf(parts);
  subscribeMember(parts);
  subscribeExecuting(parts);
  const loops = [
    parts.heartbeat,
    hints,
    parts.runLogLoop,
    ...(servesApi(config) ? [parts.debounced, parts.ownerUrls] : [parts.debounced]),
    ...(config.CARILLON_ROLES.includes('scheduler')
      ? [
          parts.election,
          lookout,
          parts.sweep,
          ...schedulingLoops(parts),
          parts.revocation,
          parts.overdueRuns,
          parts.overdueLeases,
          parts.horizon,
        ]
      : []),
    ...(config.CARILLON_ROLES.includes('worker') ? [...workerLoops(parts), takingIn] : []),
  ];
  return { ...parts, takingIn, lookout, loops };
}

function apiLoops(membership: Membership, hints: HintsLoop) {
  return {
    ownerUrls: new OwnerUrlsLoop(membership),
    debounced: new DebouncedRunsLoop(membership, hints),
  };
}

function takingInOf(
  { membership, claim, held, targets }: Executing & { claim: ClaimLoop; held: HeldRuns; targets: Targets },
  { CARILLON_WORK_CONNECTIONS }: ServerConfig,
): TakingIn {
  return new TakingIn({
    membership,
    door: claim.door,
    held,
    expect: (tenant, jobType) => targets.expect(tenant, jobType),
    clock,
    // Most connections are left for claims and ends.
    atOnce: Math.max(1, Math.min(2, Math.floor(CARILLON_WORK_CONNECTIONS / 3))),
  });
}

function lookoutOf(parts: {
  leadership: Leadership;
  overdueLeases: OverdueLeasesLoop;
  overdueRuns: OverdueRunsLoop;
  failing: FailingLoop;
  following: FollowingLoop;
  calendars: CalendarLoop;
  debounced: DebouncedRunsLoop;
}): LookoutLoop {
  const { leadership, overdueLeases, overdueRuns, failing, following, calendars, debounced } = parts;
  return new LookoutLoop(
    leadership,
    [overdueLeases, overdueRuns, failing, following, calendars, debounced],
    clock,
  );
}

function workerLoops(parts: {
  ownership: OwnershipLoop;
  claim: ClaimLoop;
  start: StartLoop;
  runLocks: RunLocks;
  settleLoop: SettleLoop;
  heldWatch: HeldWatchLoop;
  progress: ProgressLoop;
  strayClaims: StrayClaimsLoop;
}) {
  const { ownership, claim, start, runLocks, settleLoop, heldWatch, progress, strayClaims } = parts;
  return [ownership, claim, start, runLocks, settleLoop, heldWatch, progress, strayClaims];
}

function buildScheduling(leadership: Leadership, hints: HintsLoop, settings: PlannerSettings) {
  return {
    planner: new PlannerLoop(leadership, hints, { settings, clock }),
    gaps: new GapLoop(leadership, clock),
    failing: new FailingLoop(leadership),
    following: new FollowingLoop(leadership, clock),
    calendars: new CalendarLoop(leadership, { clock, recount: recounting(clock) }),
    // An owner holds a planned run for a moment longer.
    suspension: new SuspensionLoop(leadership, { clock, watchMs: settings.lookAheadMaxMs + 30_000 }),
  };
}

function schedulingLoops(parts: ReturnType<typeof buildScheduling>) {
  return [parts.planner, parts.gaps, parts.suspension, parts.failing, parts.following, parts.calendars];
}

function executionOf(options: ReplicaOptions, ownership: OwnershipLoop, executing: Executing) {
  const { config, url } = options;
  return buildExecution(executing, {
    ...options,
    isServed: (slot) => ownership.serving.has(slot),
    limits: { held: config.CARILLON_MAX_HELD, running: config.CARILLON_MAX_RUNNING },
    completeInTx: {
      // Some connections are left for claims and ends.
      atOnce: Math.max(1, Math.floor(config.CARILLON_WORK_CONNECTIONS / 2)),
      path: options.handlerPath,
      deadAfterMs: config.cluster.deadAfterMs,
    },
    graceMs: graceMsOf(config),
    queueSchema: config.CARILLON_QUEUE_SCHEMA,
    allowedHosts: config.CARILLON_HTTP_ALLOWED_HOSTS,
    callsPerHost: config.CARILLON_HTTP_CALLS_PER_HOST,
    callbackUrl: config.CARILLON_CALLBACK_URL ?? url,
  });
}

function servesApi({ CARILLON_ROLES }: ServerConfig): boolean {
  return CARILLON_ROLES.includes('api');
}

function graceMsOf({ CARILLON_STOP_GRACE_SECONDS }: ServerConfig): number {
  return CARILLON_STOP_GRACE_SECONDS * 1_000;
}

function buildMembership({ config, url, version, onError }: ReplicaOptions): Membership {
  return new Membership({
    sessionUrl: config.DATABASE_SESSION_URL ?? config.DATABASE_URL,
    workUrl: config.DATABASE_URL,
    workConnections: config.CARILLON_WORK_CONNECTIONS,
    workPrepares: config.preparesStatements,
    identity: {
      name: config.CARILLON_NAME,
      host: hostname(),
      pid: process.pid,
      url,
      // Without the API it could answer no client.
      publicUrl: servesApi(config) ? (config.CARILLON_PUBLIC_URL ?? null) : null,
      version,
      roles: config.CARILLON_ROLES,
      weight: config.CARILLON_WEIGHT,
      preference: config.CARILLON_PREFERENCE,
    },
    settings: config.cluster,
    clock,
    onError,
  });
}
