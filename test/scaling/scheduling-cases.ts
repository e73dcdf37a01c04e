// What do the statements of planning name, and those that decide what was left behind and what fell into a suspension? Like
// those of the other hot ways (statement-cases.ts), each as the product calls it.
import { asId } from '#kernel/ids.js';
import * as passedRuns from '#scheduling/outages/passed-run.repository.js';
import * as gaps from '#scheduling/planning/gap.repository.js';
import * as planning from '#scheduling/planning/planning.repository.js';
import * as suspendedRuns from '#scheduling/suspending/suspended-run.repository.js';
import type { Case } from './statement-case.js';

const tenantId = asId.tenant('t');
const id = asId.run('r');
const at = new Date(0);
const term = asId.term(1);
const schedule = { id: asId.schedule('s'), nextDueAt: at, revision: 1 };

export const schedulingCases: Record<string, Case> = {
  'due schedules': {
    act: (tx) =>
      planning.findDueSchedules(tx, {
        lookAheadMs: 1,
        graceMs: 1,
        limit: 1,
        pastLimit: 1,
        except: [],
        full: [],
        tenants: null,
      }),
    names: { schedule: 'neither' },
  },
  'counted schedules': {
    act: (tx) => planning.countDueSchedules(tx, { lookAheadMs: 1, limit: 1 }),
    names: { schedule: 'neither' },
  },
  'plans of a batch': {
    act: (tx) =>
      planning.writePlans(tx, {
        term,
        plans: [
          {
            schedule,
            fires: [{ dueAt: at, outcome: 'planned', reason: null, runId: id }],
            gap: null,
            nextDueAt: at,
          },
        ],
        soonMs: 1,
      }),
    names: { schedule: 'neither', 'new fire': 'tenant, given', 'new run': 'slot, given' },
  },
  'gaps left behind': {
    act: (tx) =>
      gaps.leaveGaps(tx, [
        {
          schedule,
          fires: [],
          gap: { from: at, to: new Date(1), outcome: 'missed', reason: '' },
          nextDueAt: at,
        },
      ]),
    names: { schedule: 'neither', 'new schedule_gap': 'tenant, given' },
  },
  'gaps to decide': {
    act: (tx) => gaps.findGaps(tx, { limit: 1, except: [] }),
    names: { schedule_gap: 'neither' },
  },
  'decided gaps': {
    act: (tx) =>
      gaps.writeGaps(tx, {
        term,
        gaps: [
          {
            gap: { id: '1', from: at },
            fires: [{ dueAt: at, outcome: 'missed', reason: 'catch-up window' }],
            restFrom: null,
          },
        ],
      }),
    names: { schedule_gap: 'neither', 'new fire': 'tenant, given' },
  },
  'what passed in an outage': {
    act: (tx) =>
      passedRuns.findPassed(tx, [{ id, scheduleId: schedule.id, dueAt: at, runAt: at }], { graceMs: 1 }),
    names: { schedule: 'neither', fire: 'neither' },
  },
  'what is taken back since it passed in an outage': {
    act: (tx) =>
      passedRuns.takeBackPassed(tx, {
        claimId: asId.claim('c'),
        runs: [{ id, outcome: 'missed', reason: 'no catch-up' }],
      }),
    names: { run: 'neither', fire: 'neither', claim: 'neither' },
  },
  'a claim of which nothing is left': {
    act: (tx) => passedRuns.dropIfEmpty(tx, asId.claim('c')),
    names: { claim: 'neither' },
  },
  'what is due of a suspended tenant': {
    act: (tx) => suspendedRuns.findPlannedDue(tx, { tenantId, limit: 1 }),
    names: {
      schedule: 'tenant, given',
      run: 'neither',
      claim: 'neither',
      lease: 'neither',
      fire: 'neither',
    },
  },
  'what is skipped of a suspended tenant': {
    act: (tx) => suspendedRuns.skipPlanned(tx, { tenantId, ids: [id] }),
    names: { run: 'tenant, given', claim: 'neither', lease: 'neither', fire: 'neither' },
  },
};
