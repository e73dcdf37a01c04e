// Do the critical statements keep to their indexes, with any statistics? One that reads a whole table stops the queue.
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Tx } from '#database/connection.js';
import { randomUUIDv7 } from '#database/runtime/uuid.js';
import { sweep } from '#cluster/sweep/sweep.repository.js';
import * as claims from '#execution/claiming/claims/claim.repository.js';
import * as elsewhere from '#execution/claiming/runs-elsewhere.repository.js';
import * as lanesOf from '#execution/claiming/claims/lane.repository.js';
import * as strayClaims from '#execution/takeover/stray-claim.repository.js';
import * as newRuns from '#execution/intake/new-run.repository.js';
import * as endings from '#execution/run-actions/run-ending.repository.js';
import * as runs from '#execution/runs/run-pages.repository.js';
import * as starts from '#execution/attempts/start.repository.js';
import * as keys from '#execution/intake/unique-key.repository.js';
import * as revocations from '#execution/takeover/revocation.repository.js';
import * as settlements from '#execution/settling/settlement.repository.js';
import { writeProgress } from '#execution/reports/progress.repository.js';
import * as requeues from '#execution/run-actions/retry-ended.repository.js';
import { deleteEndedRuns } from '#execution/run-actions/retention.repository.js';
import { asId } from '#kernel/ids.js';
import { findTenantAndJob } from '#server/http/access/tenant-and-job.repository.js';
import { readPast } from '#scheduling/revisions/audit.repository.js';
import { listRevisions } from '#scheduling/revisions/revision.repository.js';
import { listFires, lookedUntil } from '#scheduling/revisions/ledger.repository.js';
import * as gaps from '#scheduling/planning/gap.repository.js';
import * as planning from '#scheduling/planning/planning.repository.js';
import * as suspendedRuns from '#scheduling/suspending/suspended-run.repository.js';
import { revokePlanned } from '#scheduling/schedules/planned-run.repository.js';
import { askLookout } from '../../support/ask-lookout.js';
import { anyThatWentWrong, leftBehind } from '../../support/builders.js';
import { explained, nodesOf } from '../../support/explained.js';
import { callBody } from '../../support/function-body.js';
import {
  describeTables,
  fillTables,
  forgetStatistics,
  pretendDrained,
  type SkewedTables,
} from '../../support/skewed-tables.js';
import { newRunOf } from '../../support/rows.js';
import { useTestDatabase } from '../../support/test-database.js';
import { wholeTables } from '../../support/whole-tables.js';

const FILLING_MS = 600_000;

const database = useTestDatabase({ per: 'file', statementTimeoutMs: FILLING_MS });
const { db } = database;
let on: SkewedTables;

beforeAll(async () => {
  // The statistics of a queue that was empty when the server last analysed it.
  await sql`analyze`.execute(db);
  await fillTables(db);
  on = await describeTables(db);
});

const at = (n: number) => new Date(1_763_700_000_000 + n);
const first = () => on.tenants[0] ?? { id: asId.tenant(randomUUID()), slot: asId.slot(0) };
const dueQuery = (tenants: planning.DueQuery['tenants']): planning.DueQuery => ({
  lookAheadMs: 10_000,
  graceMs: 60_000,
  limit: 500,
  pastLimit: 500,
  except: on.schedules.slice(0, 2).map(({ id }) => id),
  full: [first().id],
  tenants,
});
const firstSchedule = () => on.schedules[0]?.id ?? asId.schedule(randomUUID());
const firesOf = (outcome: 'missed' | null = null, isFolded = false) =>
  ({ scheduleId: firstSchedule(), from: null, before: null, outcome, isFolded, limit: 51 }) as const;
const lanes = () =>
  on.tenants.slice(0, 100).map(({ id, slot }) => ({ tenantId: id, slot, lane: 'default/job-1' }));
const page = (wish: Partial<runs.RunPage> = {}): runs.RunPage => ({
  tenantId: first().id,
  scheduleId: null,
  state: null,
  queue: null,
  jobType: null,
  tag: null,
  createdAfter: null,
  createdBefore: null,
  beforeId: null,
  fromId: null,
  limit: 51,
  ...wish,
});

/** Each as the product calls it; those that a transaction binds together are asked for alone here. */
const statements: Record<string, (tx: Tx) => Promise<unknown>> = {
  'a full look': (tx) => lanesOf.discoverLanes(tx, { scans: scans(), limit: 1_000 }),
  'a look from marks': (tx) =>
    lanesOf.discoverLanes(tx, {
      scans: scans(),
      marked: lanes().map((lane) => ({ ...lane, mark: Date.now() - 1_000 })),
      limit: 1_000,
    }),
  'a claim': (tx) => claims.claimRuns(tx, claimRequest(null)),
  'a claim from marks': (tx) => claims.claimRuns(tx, claimRequest(Date.now() - 100_000)),
  'a claim that goes on': (tx) =>
    claims.claimRuns(
      tx,
      claimRequest({ rankUs: Date.now() * 1_000 - 100_000_000, id: asId.run(randomUUID()) }),
    ),
  'runs elsewhere': (tx) => elsewhere.runsElsewhere(tx, { replica: on.replica, slots: slotsOf() }),
  'questions of the lookout': askLookout,
  'old claims': (tx) => strayClaims.listOldClaims(tx, { replica: on.replica, olderThanMs: 15_000 }),
  'notes of starts': (tx) => starts.recordSuspectStarts(tx, { replica: on.replica, runIds: on.runs }),
  'notes of restarts': (tx) => starts.noteRecovery(tx, { replica: on.replica, runIds: on.runs }),
  'locking claims': (tx) => settlements.lockClaims(tx, { replica: on.replica, claimIds: on.claims }),
  'decided fires': (tx) =>
    settlements.decideFires(tx, {
      fires: on.schedules.map(({ id, dueAt }) => ({ scheduleId: id, dueAt, startedAt: at(5) })),
      lateAfterMs: 1_000,
    }),
  'closed fires': (tx) =>
    settlements.closeFires(
      tx,
      on.schedules.map(({ id, dueAt }) => ({
        scheduleId: id,
        dueAt,
        outcome: 'skipped',
        reason: 'cancelled',
      })),
    ),
  'finished runs': (tx) =>
    settlements.finishRuns(tx, {
      replica: on.replica,
      attempt: 1,
      runs: on.runs.map((id) => ({
        id,
        outcome: 'succeeded',
        startedAt: at(0),
        finishedAt: new Date(),
        outputJson: null,
        errorJson: null,
      })),
    }),
  'retried runs': (tx) =>
    settlements.retryRuns(
      tx,
      on.runs.map((id) => ({ id, attempt: 1, delayMs: 1_000, isFailure: true, recordJson: '{}' })),
    ),
  progress: (tx) =>
    writeProgress(
      tx,
      on.runs.map((runId) => ({ runId, attempt: 1, progressJson: '1', detailsJson: null })),
      'under-way',
    ),
  'due schedules': (tx) => planning.findDueSchedules(tx, dueQuery(null)),
  'due schedules beside a crowd': (tx) => planning.findDueSchedules(tx, dueQuery({ but: [first().id] })),
  'due schedules of a crowd': (tx) => planning.findDueSchedules(tx, dueQuery({ only: [first().id] })),
  'gaps left behind': (tx) => gaps.leaveGaps(tx, on.schedules.map(leftBehind)),
  'gaps to decide': (tx) => gaps.findGaps(tx, { limit: 50, except: [] }),
  'suspended tenants': (tx) => suspendedRuns.listSuspendedTenants(tx, 1_000),
  'planned for the suspended': (tx) => suspendedRuns.findPlannedDue(tx, { tenantId: first().id, limit: 500 }),
  'skipped of the suspended': (tx) => suspendedRuns.skipPlanned(tx, { tenantId: first().id, ids: on.runs }),
  'decided gaps': (tx) =>
    gaps.writeGaps(tx, {
      term: asId.term(1),
      gaps: on.schedules.map((_, n) => ({
        gap: { id: String(n + 1), from: at(0) },
        fires: [{ dueAt: at(n), outcome: 'missed', reason: 'catch-up window' }],
        restFrom: n % 2 === 0 ? null : at(1),
      })),
    }),
  'counts of the limited': async (tx) => {
    await planning.countRunsOf(
      tx,
      on.tenants.map(({ id }) => ({ id, maxQueued: 1_000 })),
    );
    await callBody(tx, 'count_runs', [first().id, 1_000]);
  },
  'a crowd': (tx) => planning.countDueSchedules(tx, { lookAheadMs: 120_000, limit: 1_000 }),
  'written plans': (tx) =>
    planning.writePlans(tx, {
      term: asId.term(1),
      soonMs: 1_500,
      plans: on.schedules.map(({ id, dueAt }, n) => ({
        schedule: { id, nextDueAt: dueAt, revision: 1 },
        nextDueAt: at(60_000),
        gap: null,
        fires: [{ dueAt: at(n), outcome: 'planned', reason: null, runId: asId.run(randomUUIDv7()) }],
      })),
    }),
  'new runs': (tx) => newRuns.insertRuns(tx, on.runs.map(newRun)),
  'a lone run': (tx) => newRuns.insertAndShowRun(tx, newRun(), null),
  'a lone run of what is assumed': (tx) =>
    newRuns.insertAndShowRun(tx, newRun(), { tenantId: first().id, jobType: 'job-0', proof: '1/2/3' }),
  'a tenant and its job': (tx) => findTenantAndJob(tx, { tenant: 'tenant-1', jobType: 'job-0' }),
  'a quota': (tx) => newRuns.countTowardsQuota(tx, first().id),
  'new unique keys': (tx) => keys.insertKeys(tx, { tenantId: first().id, keys: newKeys() }),
  'locking unique keys': (tx) =>
    keys.lockKeys(tx, { tenantId: first().id, keys: newKeys().map(({ key }) => key) }),
  'given unique keys': (tx) => keys.updateKeys(tx, { tenantId: first().id, keys: newKeys() }),
  'unfinished among': (tx) => keys.unfinishedAmong(tx, on.runs),
  'cleared unique keys': (tx) => keys.deleteEndedKeys(tx, { after: null, limit: 1_000 }),
  'a replaced run': async (tx) => {
    await newRuns.findUnclaimed(tx, on.runs.slice(0, 1));
    await newRuns.replaceRuns(tx, [{ ...newRun(), id: on.runs[0] ?? newRun().id }]);
  },
  'runs that are not locked': (tx) => endings.lockWithoutWaiting(tx, { tenantId: first().id, ids: on.runs }),
  'a cancel': (tx) => endings.requestCancel(tx, { tenantId: first().id, ids: on.runs }),
  'wanted cancels': (tx) => endings.listCancelRequests(tx),
  'what may end': (tx) => endings.listEndable(tx, 500),
  'what ends': (tx) => endings.endUnclaimed(tx, on.runs),
  'withdrawn offers': (tx) => endings.withdrawOffers(tx, { tenantId: first().id, ids: on.runs }),
  'void claims': (tx) => revocations.hasVoidClaims(tx),
  'revoked claims': (tx) => revocations.deleteVoidClaims(tx, { limit: 20 }),
  'lost runs': (tx) =>
    revocations.requeueLost(tx, { replica: on.replica, runIds: [...on.runs], started: null }),
  'dead letters': (tx) =>
    revocations.deadLetter(tx, { replica: on.replica, runIds: [...on.runs], error: {} }),
  'the sweep': (tx) => sweep(tx),
  'runs brought back': async (tx) => {
    await requeues.lockEnded(tx, { ...anyEnded(), ids: on.ended });
    await requeues.openFires(tx, { tenantId: first().id, ids: on.ended });
    await requeues.queueEndedRuns(tx, { ...anyEnded(), ids: on.ended });
  },
  'a later list of what went wrong': (tx) =>
    requeues.pickEnded(tx, { ...anyEnded(), after: { outcome: 'failed', id: on.ended[0] ?? newRun().id } }),
  'a short retention': (tx) => deleteEndedRuns(tx, { tenantId: first().id, days: 2, limit: 1_000 }),
  'one run': (tx) => runs.findRun(tx, { tenantId: first().id, id: on.runs[7] ?? newRun().id }),
  'a list of runs': (tx) => runs.listRuns(tx, page()),
  'a later page of runs': (tx) => runs.listRuns(tx, page({ beforeId: on.runs[400] ?? null })),
  'a list of failed runs': (tx) => runs.listRuns(tx, page({ state: 'failed' })),
  "a list of a schedule's runs": (tx) => runs.listRuns(tx, page({ scheduleId: on.schedules[0]?.id ?? null })),
  'a filtered list of runs': async (tx) => {
    const filtered = page({ tag: 'none' });
    await runs.listRuns(tx, { ...filtered, fromId: await runs.scanEnd(tx, filtered) });
  },
  'ended among': (tx) => runs.finishedAmong(tx, on.runs),
  'a list of fires': (tx) => listFires(tx, firesOf()),
  'a list of fires with an outcome': (tx) => listFires(tx, firesOf('missed')),
  'a folded list of fires': (tx) => listFires(tx, firesOf(null, true)),
  'an audit': (tx) => readPast(tx, { ...firesOf(), from: at(0), to: at(1) }),
  'a list of revisions': (tx) => listRevisions(tx, firesOf()),
  'a list of fires, its end': (tx) => lookedUntil(tx, firesOf()),
  'a revoked plan': (tx) => revokePlanned(tx, { id: firstSchedule(), specSince: null }, { alsoDue: false }),
};

/** These are asked by the API and by housekeeping, on sessions of their own; the rest by claims, ends and planning. */
const OF_THE_API =
  /^(a .*list of|a later page|one run|a lone run|a tenant and|ended among|a short retention|an audit|cleared unique|a cancel|wanted|a revoked)/;
const plansOf = (name: string) =>
  explained(
    { url: database.url, walksIndexes: !OF_THE_API.test(name) },
    (tx) => statements[name]?.(tx as Tx) ?? Promise.resolve(),
  );
const scans = () => slotsOf().map((slot) => ({ slot, after: null }));
const slotsOf = () => [...new Set(on.tenants.map(({ slot }) => slot))];
const anyEnded = () => anyThatWentWrong(first().id);
const newKeys = () => on.runs.map((runId) => ({ key: runId, runId, windowMs: null }));
const newRun = () => newRunOf(first(), { jobType: 'job-0' });

function claimRequest(from: claims.LaneToClaim['from']): claims.ClaimRequest {
  return {
    claimId: asId.claim(randomUUID()),
    replica: on.replica,
    lanes: lanes().map((lane) => ({ ...lane, quota: 5, epoch: 0, from })),
    excluded: on.runs,
    aheadMs: 1_500,
  };
}

describe.each(['known while they were empty', 'never analysed', 'analysed', 'known while they were drained'])(
  'on tables that are %s',
  (known) => {
    beforeAll(async () => {
      if (known === 'never analysed') await forgetStatistics(db);
      if (known === 'analysed') await sql`analyze`.execute(db);
      if (known === 'known while they were drained') await pretendDrained(db);
    }, FILLING_MS);

    it.each(Object.keys(statements))('%s reads no whole table', async (name) => {
      const plans = await plansOf(name);
      expect(plans.length).toBeGreaterThan(0);
      expect(plans.flatMap(wholeTables)).toEqual([]);
    });

    it('written plans compare no fire with each of the others', async () => {
      const nodes = (await plansOf('written plans')).flatMap(({ plan }) => nodesOf(plan));
      expect(nodes.map((node) => node['Node Type'])).not.toContain('Nested Loop');
    });

    it.each(['a claim', 'a claim from marks'])('%s asks for what is due of each priority', async (name) => {
      for (const { plan } of await plansOf(name)) {
        const ofRuns = nodesOf(plan).filter((node) => node['Relation Name'] === 'run');
        expect(ofRuns.map((node) => node['Index Name'])).toEqual(Array(3).fill('run_by_priority'));
        expect(ofRuns.at(-1)?.['Index Cond']).toMatch(/priority = .*run_at/);
      }
    });
  },
);
