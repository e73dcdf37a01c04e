// The parts of a replica that hold runs, execute them and settle them, built in one place: for a server from its
// settings (replica.ts), and for a test from its options. The loops that drive them are not included.
import type { DatabaseClock } from '#cluster/membership/database-clock.js';
import type { HintsLoop } from '#cluster/hints/hints-loop.js';
import type { Membership } from '#cluster/membership/membership.js';
import { systemClock as clock, systemRandom as random } from '#database/runtime/system-clock.js';
import { Executor } from '#execution/attempts/executor.js';
import { OverlapEnds } from '#execution/attempts/overlap-ends.js';
import { RunningAttempts } from '#execution/attempts/running-attempts.js';
import { GuardedOutlet } from '#execution/endpoints/guarded-outlet.js';
import { HeldRuns } from '#execution/held/held-runs.js';
import { ChildRuns } from '#execution/intake/child-runs.js';
import { RunLocks } from '#execution/locking/run-locks.js';
import { LaneRulesBook } from '#execution/limits/lane-rules-book.js';
import { Occupancy } from '#execution/limits/occupancy.js';
import type { LeaseTokens } from '#execution/leases/lease-token.js';
import { ProgressNotes } from '#execution/reports/progress-notes.js';
import { beginReports } from '#execution/reports/progress-reports.js';
import { RunLog } from '#execution/reports/run-log.js';
import type { SchemaChecks } from '#execution/schemas/schema-checks.js';
import { CompleteInTx, type CompleteInTxOptions } from '#execution/settling/complete-in-tx.js';
import { Lingering } from '#execution/settling/lingering.js';
import { SettleLoop } from '#execution/settling/settle-loop.js';
import type { HandlerRegistry } from '#execution/targets/handler-registry.js';
import { Circuits } from '#execution/targets/http/circuits.js';
import { HttpPush, type CallFailure } from '#execution/targets/http/http-push.js';
import { UserQueues } from '#execution/targets/queue-target.js';
import { Targets } from '#execution/targets/targets.js';
import type { Slot } from '#kernel/ids.js';

/** The replica for which the parts execute. */
export interface Executing {
  membership: Membership;
  databaseClock: DatabaseClock;
  hints: HintsLoop;
}

export interface ExecutionOptions {
  registry: HandlerRegistry;
  tokens: LeaseTokens;
  checks: SchemaChecks;
  /** How many runs may be held, and how many of them may run. */
  limits: { held: number; running: number };
  completeInTx: CompleteInTxOptions;
  /** How long a handler that was stopped may take to end. */
  graceMs: number;
  /** The schema of the users' pg-boss. */
  queueSchema: string;
  /** Hosts of endpoints that may have addresses which are not public. */
  allowedHosts: readonly string[];
  callsPerHost?: number;
  /** The API's URL for endpoints. */
  callbackUrl: string;
  /** Without it, no end of an attempt waits for others. */
  isServed?: (slot: Slot) => boolean;
  onError: (error: Error) => void;
  /** A call to a tenant's endpoint had no answer; the tenant sees fewer details. */
  onCallFailed: (failure: CallFailure) => void;
}

export function buildExecution({ membership, databaseClock, hints }: Executing, options: ExecutionOptions) {
  const { registry, checks, onError, graceMs } = options;
  const rules = new LaneRulesBook();
  const occupancy = new Occupancy();
  const held = new HeldRuns(options.limits, rules, occupancy);
  const { outlet, push } = buildPush(options);
  const queues = new UserQueues(membership, { schema: options.queueSchema, onError });
  const targets = new Targets(membership, registry, { push, queues, checks }, clock);
  const { isServed } = options;
  const lingering =
    isServed === undefined ? null : new Lingering({ membership, held, rules, clock, isServed });
  const settleLoop = new SettleLoop(membership, held, lingering);
  const runLog = new RunLog();
  const notes = new ProgressNotes();
  const running = new RunningAttempts(clock, graceMs);
  const executor = new Executor({
    running,
    held,
    targets,
    settleLoop,
    completeInTx: new CompleteInTx(membership, databaseClock, options.completeInTx),
    databaseClock,
    clock,
    random,
    membership,
    children: new ChildRuns(membership, hints, clock),
    beginReports: (run, beat) => beginReports({ membership, databaseClock, log: runLog, notes }, run, beat),
  });
  const runLocks = new RunLocks({ membership, held, rules, clock });
  const overlaps = new OverlapEnds({ held, running, executor, occupancy });
  return {
    held,
    rules,
    occupancy,
    targets,
    outlet,
    queues,
    settleLoop,
    runLog,
    notes,
    running,
    executor,
    overlaps,
    runLocks,
  };
}

function buildPush({ allowedHosts, callsPerHost, callbackUrl: url, tokens, onCallFailed }: ExecutionOptions) {
  const outlet = new GuardedOutlet(new Set(allowedHosts), callsPerHost);
  const circuits = new Circuits(clock, random);
  const callbackUrl = url.replace(/\/+$/, '');
  return {
    outlet,
    push: new HttpPush({ outlet, circuits, tokens, callbackUrl, clock, onFailure: onCallFailed }),
  };
}
