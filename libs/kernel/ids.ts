// The branded ids: a run's id does not compile where a tenant's is wanted. The brands exist only in types; on the wire
// and in the database they are plain UUIDs and integers.

declare const brand: unique symbol;
type Branded<Value, Name extends string> = Value & { readonly [brand]: Name };

export type TenantId = Branded<string, 'tenant'>;
/** The name by which users call a tenant: in paths, in `enqueue`, and in a handler's context. */
export type TenantName = Branded<string, 'tenant name'>;
export type ScheduleId = Branded<string, 'schedule'>;
export type CalendarId = Branded<string, 'calendar'>;
export type RunId = Branded<string, 'run'>;
export type ClaimId = Branded<string, 'claim'>;
/** A run that is executed outside of the replicas. Made anew whenever the lease changes hands. */
export type LeaseId = Branded<string, 'lease'>;
export type WorkerId = Branded<string, 'worker'>;
/** Long work that a request has started. */
export type OperationId = Branded<string, 'operation'>;
/** The number of a replica's incarnation, its one life in the cluster. Never used again once given. */
export type ReplicaNumber = Branded<number, 'replica'>;
/** One period of leadership. Only grows. */
export type Term = Branded<number, 'term'>;
/** One of the installation's fixed number of virtual shards, counted from 0. */
export type Slot = Branded<number, 'slot'>;

/** The id of nothing; all others sort behind it. */
export const NO_UUID = '00000000-0000-0000-0000-000000000000';

/** Brands ids that have just been generated or parsed. It checks nothing: use it at the edge only. */
export const asId = {
  tenant: (value: string) => value as TenantId,
  tenantName: (value: string) => value as TenantName,
  schedule: (value: string) => value as ScheduleId,
  calendar: (value: string) => value as CalendarId,
  run: (value: string) => value as RunId,
  claim: (value: string) => value as ClaimId,
  lease: (value: string) => value as LeaseId,
  worker: (value: string) => value as WorkerId,
  operation: (value: string) => value as OperationId,
  replica: (value: number) => value as ReplicaNumber,
  term: (value: number) => value as Term,
  slot: (value: number) => value as Slot,
};
