// Does each statement that is asked for rows by their ids name the tenant whose they are (I10)? An id may come from a
// request, of which its sender may have made it up. Read from the sources of the repositories, whose functions are
// statements. Those that name none are listed here, each with who has found its rows before; what a change adds to them
// is looked at.
import { globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { describe, expect, it } from 'vitest';

const HOLDER =
  'rows that a replica holds by claims which the statement, or one before it in the transaction, compares';
const LEASE = 'the lease was deleted, or beaten for, by tenant and id in the same act';
const LOCKED = 'rows that a statement before has found, and locked, by tenant';
const READ = 'ids that a loop of ours has read itself';
const NEW = 'new rows, which have their tenant';
const SHARED = 'compares the tenant in a condition that it shares with other statements';
const TOLD = 'runs that the request has been shown by tenant and id before';

const BY_ID_ALONE: Readonly<Record<string, string>> = {
  'stray-claim: dropClaims': HOLDER,
  'strict-claim: withdrawClaims': HOLDER,
  'start: recordSuspectStarts': HOLDER,
  'start: noteRecovery': HOLDER,
  'start: showRunning': HOLDER,
  'lease-end: returnRun': LEASE,
  'lease-end: loseRun': LEASE,
  'lease-end: finishRun': LEASE,
  'lease-end: noteProgress': LEASE,
  'lease-end: rememberEnd': LEASE,
  'retry-ended: lockClaimsNaming': LOCKED,
  'revocation: requeueLost': READ,
  'revocation: deadLetter': READ,
  'run-ending: endUnclaimed':
    'runs of which a cancel was noted by tenant, or that the loop of overdue runs has found',
  'run-log: tallyLogs': READ,
  'new-run: findUnclaimed': 'holders of keys that were locked by tenant',
  'new-run: replaceRuns': 'holders of keys that were locked by tenant',
  'new-run: insertRun': NEW,
  'new-run: insertRuns': NEW,
  'new-runs: insertTogether': NEW,
  'new-run: insertAndShowRun': NEW,
  'look-and-claim: lookAndClaim': HOLDER,
  'take-in: takeIn': NEW,
  'debounced: insertOrMove': NEW,
  'webhook-secret: insertWebhookSecret': NEW,
  'run-log: insertLogLines': NEW,
  'retry-ended: pickEnded': SHARED,
  'retry-ended: pickOpen': SHARED,
  'run-pages: listRuns': SHARED,
  'run-pages: scanEnd': SHARED,
  'progress: writeProgress': HOLDER,
  'park: parkRuns': HOLDER,
  'run-locks: acquireRunLocks': 'its database function compares each tenant, and the claim of the replica',
  'settlement: dropHolds': HOLDER,
  'operation: insertOperation': NEW,
  'operation: findCarried': READ,
  'operation: holdOperation': READ,
  'operation: recordStep': LOCKED,
  'operation: endOperation': LOCKED,
  'operation: putDown': READ,
  'following: holdFree': READ,
  'calendar: countUses': LOCKED,
  'calendar: deleteCalendar': LOCKED,
  'calendar: updateCalendar': LOCKED,
  'calendar: insertCalendar': NEW,
  'calendar-change: forgetSettled': READ,
  'chain: readChains': READ,
  'chain: setNextInChain': READ,
  'following: forgetNotes': READ,
  'following: placeNotes': READ,
  'following: takenSince': READ,
  'gap: leaveGap': LOCKED,
  'gap: leaveGaps': LOCKED,
  'passed-run: findPassed': HOLDER,
  'passed-run: takeBackPassed': HOLDER,
  'passed-run: dropIfEmpty': HOLDER,
  'planning: writePlans': READ,
  'idempotency: findAnswer': 'the scope has the tenant and the key of the request',
  'idempotency: keepAnswer': 'the scope has the tenant and the key of the request',
  'tenant: listTenants': 'tenants, as far as the key of the request may see them',
  'tenant: updateTenant': 'the tenant that the path names, for an administrator',
  'api-key: nameConfiguredKey': 'a key of the configuration, which has no tenant',
  'run-pages: finishedAmong': TOLD,
  'run-log: listNextLogLines': TOLD,
  'run-log: listLogLines': TOLD,
  'settlement: lockClaims': HOLDER,
  'key-block: blockForPutOff': HOLDER,
  'plain-ends: settleEnds': HOLDER,
  'settlement: stillClaimed': HOLDER,
  'settlement: decideFires': HOLDER,
  'settlement: closeFires': HOLDER,
  'settlement: finishRuns': HOLDER,
  'settlement: retryRuns': HOLDER,
  'settlement: putOffRuns': HOLDER,
  'settlement: closeClaims': HOLDER,
  'settlement: shrinkClaims':
    'of claims that the caller has locked, runs that it holds or has locked by tenant',
  'unique-key: unfinishedAmong': 'holders of keys that were locked by tenant',
  'ledger: listFires': 'a schedule that was found by tenant and name',
  'ledger: lookedUntil': 'a schedule that was found by tenant and name',
  'ledger: isLeftBehind': 'a schedule that was found by tenant and name',
  'audit: readPast': 'a schedule that was found by tenant and name',
  'followed: readUnanswered': 'a schedule that was found by tenant and name',
  'revision: listRevisions': 'a schedule that was found by tenant and name',
  'planning: countRunsOf': 'tenants whose schedules are due',
  'schedule: updateSchedule': LOCKED,
  'schedule: deleteSchedule': LOCKED,
  'planned-run: revokePlanned': LOCKED,
  'skip: countSkippedAhead': 'a schedule that was found by tenant and name',
  'skip: findOutcomes': LOCKED,
  'skip: skipPlannedAhead': LOCKED,
  'skip: skipUnplanned': LOCKED,
  'skip: forgetSkippedAhead': LOCKED,
  'skip: moveNextDue': LOCKED,
  'api-key: noteKeysUsed': 'keys by which their senders were let in',
};

/** Statements that are asked for something by an id and do not compare a tenant. To mention one is not enough. */
function byIdAlone(file: string, text: string): string[] {
  const room = basename(file, '.repository.ts');
  return text.split(/^(?=export async function )/m).flatMap((part) => {
    const [, name = '', parameters = ''] =
      /^export async function (\w+)\(([\s\S]*?)\n?\): Promise/.exec(part) ?? [];
    // Which tenant is asked for is no row of his.
    const isAsked =
      /\b(id|ids|[a-z]\w*Ids?|Lease|RunProgress|VoidClaim|KeyOfRequest|\w*(Change|Filter|Fire|Line|Note|Page|Plan|Run))\b/.test(
        parameters.replaceAll(/\b(tenantId|TenantId)\b/g, ''),
      );
    const body = part.split(/^}$/m)[0] ?? '';
    return name !== '' && isAsked && !/tenant_id = |where\('tenant_id', /.test(body)
      ? [`${room}: ${name}`]
      : [];
  });
}

describe('who asks by an id names the tenant', () => {
  const files = globSync('{apps,libs}/**/*.repository.ts').filter((file) => !file.includes('libs/cluster/'));
  const found = files.flatMap((file) => byIdAlone(file, readFileSync(file, 'utf8')));

  it('in every statement but those that are listed, which are all there', () => {
    expect(files.length).toBeGreaterThan(15);
    expect(found.toSorted()).toEqual(Object.keys(BY_ID_ALONE).toSorted());
  });

  it.each([
    [
      'export async function endRun(db: Database, id: RunId): Promise<void> {\n  await sql`delete from carillon.run where id = ${id}`;\n}\n',
      ['a: endRun'],
    ],
    [
      'export async function endRuns(\n  tx: Tx,\n  { ids }: { ids: readonly RunId[] },\n): Promise<void> {\n  await sql`delete from carillon.run where id = any(${ids})`;\n}\n',
      ['a: endRuns'],
    ],
    [
      'export async function endRun(db: Database, { tenantId, id }: Ref): Promise<void> {\n  await sql`delete from carillon.run where tenant_id = ${tenantId} and id = ${id}`;\n}\n',
      [],
    ],
    [
      'export async function showRun(db: Database, ref: RunRef & OldRun): Promise<void> {\n  await sql`select tenant_id from carillon.run where id = ${ref.id}`;\n}\n',
      ['a: showRun'],
    ],
    [
      'export async function endAll(db: Database): Promise<void> {\n  await sql`delete from carillon.run`;\n}\n',
      [],
    ],
  ])('%s', (text, expected) => {
    expect(byIdAlone('a.repository.ts', text)).toEqual(expected);
  });
});
