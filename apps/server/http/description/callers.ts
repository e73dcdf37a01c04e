// Who may call an operation? Its description says so in words, and `x-callers` for programs.
import type { Callers } from '../access/auth.guard.js';
import type { Operation } from './json-schema.js';

const WORDS = {
  admin: 'an administrator',
  'tenant-admin': "a tenant's administrator",
  worker: 'a worker',
  lease: 'the holder of the lease',
} as const;

export type Caller = keyof typeof WORDS;

export function tellCallers(operation: Operation, callers: Callers): void {
  const who = rolesOf(callers);
  const said = who.length === 0 ? 'Needs no key.' : `May be called by ${inWords(who)}.`;
  const suspended = callers.isWhileSuspended ? ' Also while the tenant is suspended.' : '';
  operation.description = [operation.description, said + suspended].filter(Boolean).join('\n\n');
  Object.assign(operation, { 'x-callers': who });
  operation.security = securityOf(callers);
}

function rolesOf({ isPublic, isAdminOnly, areWorkersToo, areLeaseHoldersToo }: Callers): Caller[] {
  if (isPublic) return [];
  if (isAdminOnly) return ['admin'];
  return [
    'admin',
    'tenant-admin',
    ...(areWorkersToo ? (['worker'] as const) : []),
    ...(areLeaseHoldersToo ? (['lease'] as const) : []),
  ];
}

function inWords(who: readonly Caller[]): string {
  const words = who.map((caller) => WORDS[caller]);
  const last = words.pop() ?? '';
  return words.length === 0 ? last : `${words.join(', ')} or ${last}`;
}

function securityOf({ isPublic, areLeaseHoldersToo }: Callers): NonNullable<Operation['security']> {
  if (isPublic) return [];
  return [...(areLeaseHoldersToo ? [{}] : []), { bearer: [] }];
}
