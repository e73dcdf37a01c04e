// What is one replica made of? The parts of the libs, put together once, in the order of the main story:
// membership, leadership and ownership; then planning; then claiming, starting and settling. Nothing here
// decides anything.
import { hostname } from 'node:os';
import { DatabaseClock } from '#cluster/database-clock.js';
import { ElectionLoop } from '#cluster/election-loop.js';
import { HeartbeatLoop } from '#cluster/heartbeat-loop.js';
import { HintsLoop } from '#cluster/hints-loop.js';
import { Leadership } from '#cluster/leadership.js';
import { Membership } from '#cluster/membership.js';
import { OwnershipLoop } from '#cluster/ownership-loop.js';
import { SweepLoop } from '#cluster/sweep-loop.js';
import { systemClock as clock, systemRandom as random } from '#database/runtime/system-clock.js';
import { ClaimLoop, DEFAULT_CLAIM_SETTINGS } from '#execution/claim-loop.js';
import { Executor } from '#execution/executor.js';
import { guardedDispatcher } from '#execution/guarded-dispatcher.js';
import type { HandlerRegistry } from '#execution/handler-registry.js';
import { HeldRuns } from '#execution/held-runs.js';
import { ReconcileLoop } from '#execution/reconcile-loop.js';
import { RevocationLoop } from '#execution/revocation-loop.js';
import { SettleLoop } from '#execution/settle-loop.js';
import { StartLoop } from '#execution/start-loop.js';
import { Targets } from '#execution/targets.js';
import { DEFAULT_PLANNER_SETTINGS, PlannerLoop } from '#scheduling/planner-loop.js';
import type { ServerConfig } from '../config.js';

export interface ReplicaOptions {
  config: ServerConfig;
  registry: HandlerRegistry;
  /** Where this replica's API is reached. */
  url: string;
  version: string;
  onError: (error: Error) => void;
}

export type Replica = ReturnType<typeof buildReplica>;

export function buildReplica(options: ReplicaOptions) {
  const { config } = options;
  const membership = buildMembership(options);
  const databaseClock = new DatabaseClock(membership, clock);
  const hints = new HintsLoop(membership, clock);
  const leadership = new Leadership(membership, clock);
  const ownership = new OwnershipLoop(membership, hints);

  const held = new HeldRuns({ held: config.CARILLON_MAX_HELD, running: config.CARILLON_MAX_RUNNING });
  const dispatcher = guardedDispatcher(new Set(config.CARILLON_HTTP_ALLOWED_HOSTS));
  const targets = new Targets(membership, options.registry, dispatcher, clock);
  const settleLoop = new SettleLoop(membership, held);
  const executor = new Executor({ held, targets, settleLoop, databaseClock, clock, random });

  const scheduler = config.CARILLON_ROLES.includes('scheduler');
  const worker = config.CARILLON_ROLES.includes('worker');
  const parts = {
    membership,
    databaseClock,
    hints,
    leadership,
    ownership,
    held,
    executor,
    dispatcher,
    settleLoop,
    heartbeat: new HeartbeatLoop(membership, config.cluster, clock),
    election: new ElectionLoop(membership, leadership, config.cluster, clock),
    sweep: new SweepLoop(leadership, hints, config.cluster, clock),
    planner: new PlannerLoop(leadership, hints, DEFAULT_PLANNER_SETTINGS),
    revocation: new RevocationLoop(leadership, hints),
    claim: new ClaimLoop(membership, ownership, held, { settings: DEFAULT_CLAIM_SETTINGS, clock }),
    start: new StartLoop({ membership, held, executor, settleLoop, databaseClock, clock }),
    reconcile: new ReconcileLoop(membership, held),
  };
  const loops = [
    parts.heartbeat,
    hints,
    ...(scheduler ? [parts.election, parts.sweep, parts.planner, parts.revocation] : []),
    ...(worker ? [ownership, parts.claim, parts.start, settleLoop, parts.reconcile] : []),
  ];
  return { ...parts, loops };
}

function buildMembership({ config, url, version, onError }: ReplicaOptions): Membership {
  return new Membership({
    sessionUrl: config.DATABASE_SESSION_URL ?? config.DATABASE_URL,
    workUrl: config.DATABASE_URL,
    workConnections: config.CARILLON_WORK_CONNECTIONS,
    identity: {
      name: config.CARILLON_NAME,
      host: hostname(),
      pid: process.pid,
      url,
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
