// Does the API accept its own examples? All that its description shows is sent as it stands, in an order in which each
// can succeed.
import { beforeAll, describe, expect, it } from 'vitest';
import { operationsOf, readDescription, type Operation } from '../../../support/api-description.js';
import { play, type Made } from '../../../support/played-examples.js';
import { useTestServer } from '../../../support/test-server.js';

const server = useTestServer();

let operations: Operation[];
const made: Made = {};

beforeAll(async () => {
  operations = operationsOf(await readDescription(server));
});

const FIRST = [
  'createTenant putTenant updateTenant getTenant listTenants suspendTenant resumeTenant',
  'createApiKey listApiKeys revokeApiKey listAdminKeys',
  'createJobType putJobType updateJobType getJobType listJobTypes pauseJobType resumeJobType',
  'putCalendar getCalendar listCalendars',
  'previewNewSchedule createSchedule putSchedule updateSchedule getSchedule listSchedules previewSchedule',
  'pauseSchedule resumeSchedule pauseSchedules resumeSchedules skipNextDueTimes runSchedule',
  'listFires listScheduleRevisions auditSchedule explainSchedule',
  'backfillSchedule getOperation listOperations cancelOperation',
  'createRun getRun getRunLogs cancelRun unblockKeyOfRun retryRun createRuns cancelRuns retryRuns listRuns listBlockedKeys',
  'pauseQueue getQueue listQueues resumeQueue',
  'acquireLock renewLock getLock releaseLock forceReleaseLock acquireLocks putLock listLocks deleteLock',
  'createWebhookSecret rotateWebhookSecret listWebhookSecrets deleteWebhookSecret',
];
const WORKERS = 'registerWorker defineSchedules listWorkers sendWorkerHeartbeat quietWorker resumeWorker';
const LEASE_ENDS = ['completeLease', 'failLease', 'snoozeLease', 'releaseLease', 'cancelLease'];
const LAST = [
  'terminateWorker deregisterWorker deleteCalendar deleteSchedule deleteJobType',
  'listReplicas getLeader getRing lookUpSlot simulateRing listClusterEvents checkLiveness checkReadiness',
];
/** They need what no example makes: a due time that has run, another replica, or an administrator's other key. */
const UNPLAYED = new Set([
  'getPreviousFireOfRun',
  'drainReplica',
  'undrainReplica',
  'forgetReplica',
  'stepDownLeader',
  'revokeAdminKey',
]);

async function playById(id: string): Promise<unknown> {
  const operation =
    operations.find(({ operationId }) => operationId === id) ?? expect.unreachable(`no ${id}`);
  const { status, text, body } = await play(server.admin, operation, made);
  const told = Object.keys(operation.responses).filter((one) => one.startsWith('2'));
  expect(told, `${id} answered ${status}: ${text}`).toContain(String(status));
  return body;
}

const idsIn = (lines: readonly string[]): string[] => lines.flatMap((line) => line.split(' '));

describe('the examples', () => {
  it('are accepted as they stand', async () => {
    for (const id of idsIn([...FIRST, WORKERS])) await playById(id);
    for (const _ of LEASE_ENDS) await playById('createRun');
    const { leases } = (await playById('acquireLeases')) as { leases: { token: string }[] }; // as described
    expect(leases).toHaveLength(LEASE_ENDS.length);
    for (const [index, id] of LEASE_ENDS.entries()) {
      made['token'] = leases[index]?.token;
      for (const before of ['sendLeaseHeartbeat', 'addLogLines', 'getPreviousFireOfLease'])
        await playById(before);
      await playById(id);
    }
    for (const id of idsIn(LAST)) await playById(id);
  });

  it('are played, all of them', () => {
    const played = new Set(
      idsIn([
        ...FIRST,
        WORKERS,
        ...LEASE_ENDS,
        ...LAST,
        'acquireLeases sendLeaseHeartbeat addLogLines getPreviousFireOfLease',
      ]),
    );
    const left = operations.filter(
      ({ operationId }) => !played.has(operationId) && !UNPLAYED.has(operationId),
    );
    expect(left.map(({ operationId }) => operationId)).toEqual([]);
  });
});
