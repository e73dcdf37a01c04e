// Which identifiers exist, and why can't they be mixed up? Each is a branded string or number: a run's
// id does not compile where a tenant's is wanted. The brands exist only in types; on the wire and in
// the database they are plain UUIDs and integers.

declare const brand: unique symbol;
type Branded<Value, Name extends string> = Value & { readonly [brand]: Name };

export type TenantId = Branded<string, 'tenant'>;
/** What users call a tenant by: in paths, in `enqueue`, and in what a handler is told. */
export type TenantName = Branded<string, 'tenant name'>;
export type ScheduleId = Branded<string, 'schedule'>;
export type RunId = Branded<string, 'run'>;
export type ClaimId = Branded<string, 'claim'>;
/** A piece of work outside of the replicas. Made anew whenever the lease changes hands. */
export type LeaseId = Branded<string, 'lease'>;
export type WorkerId = Branded<string, 'worker'>;
/** One process incarnation, as the database counts them. Never used again once given. */
export type ReplicaNumber = Branded<number, 'replica'>;
/** One period of leadership. Only grows. */
export type Term = Branded<number, 'term'>;
/** One of the installation's fixed number of virtual shards, counted from 0. */
export type Slot = Branded<number, 'slot'>;

/** An id that nothing has; all others sort behind it. */
export const NO_UUID = '00000000-0000-0000-0000-000000000000';

/** Makes branded ids out of what has just been generated or parsed, and is checked by nobody: use it at the edge only. */
export const asId = {
  tenant: (value: string) => value as TenantId,
  tenantName: (value: string) => value as TenantName,
  schedule: (value: string) => value as ScheduleId,
  run: (value: string) => value as RunId,
  claim: (value: string) => value as ClaimId,
  lease: (value: string) => value as LeaseId,
  worker: (value: string) => value as WorkerId,
  replica: (value: number) => value as ReplicaNumber,
  term: (value: number) => value as Term,
  slot: (value: number) => value as Slot,
};
