// What the statement that inserts and claims runs is asked with.
import type { Database } from '#database/connection.js';
import type { LaneDoor } from '#execution/claiming/lane-door.js';
import type { JobType } from '#execution/job-types/job-type.js';
import type { TakeInRequest } from '#execution/taking-in/take-in.repository.js';
import { asId } from '#kernel/ids.js';
import { findTenantAndJob } from '#server/http/access/tenant-and-job.repository.js';
import type { Tenant } from '#tenancy/tenant.repository.js';
import { newRunOf } from './rows.js';

/** The tenant acme and its job type noop, as they are read for a request. */
export async function acmesJob(
  db: Database,
): Promise<{ tenant: Tenant; job: { tenant: Tenant; jobType: JobType }; proof: string }> {
  const {
    tenant,
    jobType = null,
    proof,
  } = (await findTenantAndJob(db, { tenant: 'acme', jobType: 'noop' })) ?? {};
  if (tenant === undefined || proof === undefined || jobType === null)
    throw new Error('expected the tenant and its job type, found none');
  return { tenant, job: { tenant, jobType }, proof };
}

/** As the intake asks for one run, whose answer the test gets in its place. */
export async function requestOf(db: Database, door: LaneDoor): Promise<TakeInRequest> {
  const { tenant, proof } = await acmesJob(db);
  const run = newRunOf(tenant);
  const entry = door.entryTo({ tenantId: tenant.id, slot: tenant.slot, lane: 'default/noop' });
  if (entry === null) throw new Error('expected an open lane, got none');
  const assumed = { tenantId: tenant.id, jobType: 'noop', proof };
  const runs = [{ run, payloadText: JSON.stringify(run.payload), assumed, entry }];
  return { claimId: asId.claim(run.id), runs, inHand: [] };
}
