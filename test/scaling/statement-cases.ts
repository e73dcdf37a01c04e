// What do the statements of the hot ways name? Those of what comes in, of claims, ends, planning and leases, each as the
// product calls it, with what its text is expected to say of the rows that it wants. One that names neither slot nor
// tenant is no accident, and docs/SCALING.md tells what it would need.
import * as elsewhere from '#execution/claiming/runs-elsewhere.repository.js';
import * as strayClaims from '#execution/takeover/stray-claim.repository.js';
import * as newRuns from '#execution/intake/new-run.repository.js';
import { insertTogether } from '#execution/intake/new-runs.repository.js';
import * as parked from '#execution/settling/park.repository.js';
import * as starts from '#execution/attempts/start.repository.js';
import { asId } from '#kernel/ids.js';
import * as claims from '#execution/claiming/claims/claim.repository.js';
import * as lanesOf from '#execution/claiming/claims/lane.repository.js';
import * as leaseEnds from '#execution/leases/lease-end.repository.js';
import * as leases from '#execution/leases/lease.repository.js';
import { writeProgress } from '#execution/reports/progress.repository.js';
import * as limits from '#execution/limits/rate-limit.repository.js';
import * as revocations from '#execution/takeover/revocation.repository.js';
import * as endings from '#execution/run-actions/run-ending.repository.js';
import { insertLogLines } from '#execution/reports/run-log.repository.js';
import * as settlements from '#execution/settling/settlement.repository.js';
import * as keys from '#execution/intake/unique-key.repository.js';
import { schedulingCases } from './scheduling-cases.js';
import type { Case } from './statement-case.js';

const tenantId = asId.tenant('t');
const replica = asId.replica(1);
const slot = asId.slot(1);
const id = asId.run('r');
const ids = [id];
const claimId = asId.claim('c');
const claimIds = [claimId];
const scheduleId = asId.schedule('s');
const worker = asId.worker('w');
const at = new Date(0);
const lane = { tenantId, slot, lane: 'default/job' };
const run = { id, tenantId, slot, jobType: 'job', payload: {} };
const newRun = {
  ...run,
  queue: 'default',
  concurrencyKey: null,
  tags: [],
  priority: 0,
  runAt: null,
  deadline: null,
};
const ended = {
  id,
  outcome: 'succeeded',
  startedAt: at,
  finishedAt: at,
  outputJson: null,
  errorJson: null,
} as const;
const lease = {
  id: asId.lease('l'),
  state: 'taken',
  runId: id,
  tenantId,
  slot,
  jobType: 'job',
  attempt: 1,
  runAt: at,
  replica,
  worker,
  startedAt: at,
  hasTimedOut: false,
  isPastDeadline: false,
  now: at,
} as const;
const leaseOf = { tenantId, id: lease.id };

export const cases: Record<string, Case> = {
  // Ways in
  'runs that come in': {
    act: (tx) => newRuns.insertRuns(tx, [newRun]),
    names: { 'new run': 'slot, given' },
  },
  'runs that come in together': {
    act: (tx) => insertTogether(tx, [newRun, newRun]),
    names: { 'new run': 'slot, given' },
  },
  'new unique keys': {
    act: (tx) => keys.insertKeys(tx, { tenantId, keys: [{ key: 'k', runId: id, windowMs: null }] }),
    names: { 'new unique_key': 'tenant, given' },
  },
  'locking unique keys': {
    act: (tx) => keys.lockKeys(tx, { tenantId, keys: ['k'] }),
    names: { unique_key: 'tenant, given' },
  },
  'given unique keys': {
    act: (tx) => keys.updateKeys(tx, { tenantId, keys: [{ key: 'k', runId: id, windowMs: null }] }),
    names: { unique_key: 'tenant, given' },
  },
  'which holders have not ended': {
    act: (tx) => keys.unfinishedAmong(tx, ids),
    names: { run: 'neither' },
  },

  // Claims
  'a scan for lanes': {
    act: (tx) => lanesOf.discoverLanes(tx, { scans: [{ slot, after: null }], limit: 1 }),
    names: { run: 'slot, joined' },
  },
  'a claim': {
    act: (tx) =>
      claims.claimRuns(tx, {
        claimId,
        replica,
        lanes: [{ ...lane, quota: 1, epoch: 0, from: null }],
        excluded: [],
        aheadMs: 1,
      }),
    names: { run: 'slot, joined', 'new claim': 'neither' },
  },
  // Claims don't know their slots, so each run of others is found by its id before its slot can be asked for.
  'what others hold': {
    act: (tx) => elsewhere.runsElsewhere(tx, { replica, slots: [slot] }),
    names: { claim: 'neither', run: 'neither', lease: 'slot, given' },
  },
  'claims given back': {
    act: (tx) => strayClaims.dropClaims(tx, { replica, claimIds }),
    names: { claim: 'neither' },
  },
  'notes of starts': {
    act: (tx) => starts.recordSuspectStarts(tx, { replica, runIds: ids }),
    names: { run: 'neither' },
  },
  tokens: {
    act: (tx) => limits.lockBuckets(tx, [{ tenantId, jobType: '' }]),
    names: { 'new rate_bucket': 'tenant, given' },
  },
  'tokens that are spent': {
    act: (tx) => limits.spend(tx, [{ tenantId, jobType: '', spentUntilMs: 0 }]),
    names: { rate_bucket: 'tenant, joined' },
  },

  // Ends
  'locking claims': {
    act: (tx) => settlements.lockClaims(tx, { replica, claimIds }),
    names: { claim: 'neither' },
  },
  'decided fires': {
    act: (tx) =>
      settlements.decideFires(tx, { fires: [{ scheduleId, dueAt: at, startedAt: at }], lateAfterMs: 1 }),
    names: { fire: 'neither' },
  },
  'closed fires': {
    act: (tx) =>
      settlements.closeFires(tx, [{ scheduleId, dueAt: at, outcome: 'skipped', reason: 'cancelled' }]),
    names: { fire: 'neither' },
  },
  'finished runs': {
    act: (tx) => settlements.finishRuns(tx, { replica, attempt: 1, runs: [ended] }),
    names: { run: 'neither', 'new run_history': 'slot, given' },
  },
  'retried runs': {
    act: (tx) =>
      settlements.retryRuns(tx, [{ id, attempt: 1, delayMs: 0, isFailure: true, recordJson: '{}' }]),
    names: { run: 'neither' },
  },
  'runs put off': {
    act: (tx) => settlements.putOffRuns(tx, [{ id, attempt: 1, delayMs: 0 }]),
    names: { run: 'neither' },
  },
  'closed claims': { act: (tx) => settlements.closeClaims(tx, claimIds), names: { claim: 'neither' } },
  'shrunk claims': {
    act: (tx) => settlements.shrinkClaims(tx, { claimIds, runIds: ids }),
    names: { claim: 'neither' },
  },
  progress: {
    act: (tx) =>
      writeProgress(tx, [{ runId: id, attempt: 1, progressJson: '1', detailsJson: null }], 'ending'),
    names: { run: 'neither' },
  },
  'log lines': {
    act: (tx) =>
      insertLogLines(tx, [
        { runId: id, at, attempt: 1, replica, level: 'info', message: '', fieldsJson: null },
      ]),
    names: { 'new run_log': 'neither' },
  },
  'runs that are not locked': {
    act: (tx) => endings.lockWithoutWaiting(tx, { tenantId, ids }),
    names: { run: 'neither' },
  },
  'a cancel': {
    act: (tx) => endings.requestCancel(tx, { tenantId, ids }),
    names: { run: 'tenant, given' },
  },
  'what may end': {
    act: (tx) => endings.listEndable(tx, 1),
    names: { claim: 'neither', run: 'neither', lease: 'neither' },
  },
  'what ends': {
    act: (tx) => endings.endUnclaimed(tx, ids),
    names: {
      claim: 'neither',
      run: 'neither',
      lease: 'neither',
      'new run_history': 'slot, given',
      fire: 'neither',
    },
  },

  ...schedulingCases,

  // What is taken back
  'void claims': {
    act: (tx) => revocations.hasVoidClaims(tx),
    names: { claim: 'neither' },
  },
  'revoked claims': {
    act: (tx) => revocations.deleteVoidClaims(tx, { limit: 1 }),
    names: { claim: 'neither' },
  },
  'lost runs': {
    act: (tx) => revocations.requeueLost(tx, { replica, runIds: ids, started: null }),
    names: { run: 'neither' },
  },
  'dead letters': {
    act: (tx) => revocations.deadLetter(tx, { replica, runIds: ids, error: {} }),
    names: { run: 'neither', fire: 'neither', 'new run_history': 'slot, given' },
  },

  // Leases
  'parked runs': {
    act: (tx) =>
      parked.parkRuns(tx, {
        replica,
        leases: [
          { runId: id, attempt: 1, startedAt: at, id: lease.id, kind: 'pull', leaseMs: 1, timeoutMs: 1 },
        ],
      }),
    names: { run: 'neither', 'new lease': 'slot, given' },
  },
  'taken offers': {
    act: (tx) => leases.takeOffers(tx, { tenantId, worker, requestId: 'q', jobTypes: ['job'], max: 2 }),
    names: { run: 'neither', lease: 'neither' },
  },
  'a beat': {
    act: (tx) => leases.beatLease(tx, { ...leaseOf, graceMs: 1 }),
    names: { lease: 'tenant, given', run: 'neither' },
  },
  'a lease that ends': {
    act: (tx) => leases.deleteLease(tx, leaseOf),
    names: { lease: 'tenant, given' },
  },
  'leases that expire': {
    act: (tx) => leases.deleteExpired(tx, { limit: 1 }),
    names: { lease: 'neither' },
  },
  'a run that comes back': {
    act: (tx) => leaseEnds.returnRun(tx, lease),
    names: { run: 'neither' },
  },
  'a run that a worker finished': {
    act: (tx) => leaseEnds.finishRun(tx, { replica, worker, attempt: 1, run: ended }),
    names: { run: 'neither', 'new run_history': 'slot, given' },
  },
};
