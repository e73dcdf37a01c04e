// May a tenant's job type name this queue or this handler? Queues belong to the user's application, which trusts their
// jobs, and handlers to the operator, who sets their retries and limits for all tenants. So a tenant may use only names
// that an administrator has listed for it, and none by default. The list is checked when a job type is made or changed,
// and again when a run is delivered, so a shortened list also holds for existing job types. Endpoints and workers are
// the tenant's own, and job types that the replicas registered are for all tenants: these need no permission.

/** The parts of a target that matter here. */
export type NamingTarget =
  { kind: 'queue'; queue: string } | { kind: 'handler'; handler: string } | { kind: 'http' | 'pull' };

/** In a list: all names. */
export const EVERY_NAME = '*';

export interface AllowedNames {
  readonly allowedQueues: readonly string[];
  readonly allowedHandlers: readonly string[];
}

export interface Refusal {
  /** The target's field with the name. */
  readonly field: 'queue' | 'handler';
  readonly message: string;
}

/** The tenant's list of names for such a target; null when it may use any. */
export function allowedFor(target: NamingTarget, tenant: AllowedNames): readonly string[] | null {
  if (target.kind === 'queue') return tenant.allowedQueues;
  return target.kind === 'handler' ? tenant.allowedHandlers : null;
}

/** Null when the target is allowed; `allowed` is the list for targets of its kind. */
export function refusalOf(target: NamingTarget, allowed: readonly string[] | null): Refusal | null {
  if (allowed === null || (target.kind !== 'queue' && target.kind !== 'handler')) return null;
  const field = target.kind;
  const name = target.kind === 'queue' ? target.queue : target.handler;
  if (allowed.includes(EVERY_NAME) || allowed.includes(name)) return null;
  const list = field === 'queue' ? 'allowedQueues' : 'allowedHandlers';
  const known = allowed.length === 0 ? 'none so far' : allowed.join(', ');
  const message = `expected a ${field} that an administrator has allowed the tenant (its ${list}: ${known}), got ${name}`;
  return { field, message };
}
