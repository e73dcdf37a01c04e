// The shape of specs whose due times follow from runs, in requests and answers.
import { z } from 'zod';
import type { Database } from '#database/connection.js';
import type { ScheduleSpec } from '#scheduling/decisions/due-times.js';
import { DELAY_SECONDS_MAX, followsRuns, type Following } from '#scheduling/decisions/kinds/following.js';
import { isThere } from '#scheduling/following/waiting.repository.js';
import type { Schedule } from '#scheduling/schedules/schedule.repository.js';
import type { Tenant } from '#tenancy/tenant.repository.js';
import { invalidField, ProblemError } from '../../problems/problem.js';
import { resourceName } from '../../requests/shapes.js';

export const following = {
  afterSuccessOf: resourceName
    .optional()
    .describe('Due after each success of a run of this schedule of the tenant.'),
  delaySeconds: z
    .int()
    .min(0)
    .max(DELAY_SECONDS_MAX)
    .optional()
    .describe(
      'Alone: due so long (at least 1) after the end of its last run. Beside afterSuccessOf: so long after that. Default there: 0.',
    ),
};

interface Given {
  afterSuccessOf?: string | undefined;
  delaySeconds?: number | undefined;
}

/** A delay is a kind of its own, or says more about another. */
export function isOneKind(spec: object): boolean {
  const kinds = Object.entries(spec).flatMap(([kind, value]) => (value === undefined ? [] : [kind]));
  return (
    kinds.length === 1 ||
    (kinds.length === 2 && kinds.includes('afterSuccessOf') && kinds.includes('delaySeconds'))
  );
}

/** Null for a spec of another kind. */
export function followingOf({ afterSuccessOf, delaySeconds }: Given): Following | null {
  if (afterSuccessOf !== undefined)
    return { kind: 'follow', schedule: afterSuccessOf, seconds: delaySeconds ?? 0 };
  return delaySeconds === undefined ? null : { kind: 'delay', seconds: delaySeconds };
}

export function showFollowing(spec: Following): Given {
  return spec.kind === 'delay'
    ? { delaySeconds: spec.seconds }
    : { afterSuccessOf: spec.schedule, delaySeconds: spec.seconds };
}

export const waitsFor = z
  .string()
  .nullable()
  .describe('The run, or the schedule, from which its next due time follows. Null where it waits for none.');

export function showAwaited({ spec, awaitedRunId }: Pick<Schedule, 'spec' | 'awaitedRunId'>): string | null {
  if (spec?.kind === 'follow') return `the next success of schedule ${spec.schedule}`;
  return spec?.kind === 'delay' && awaitedRunId !== null ? `the end of run ${awaitedRunId}` : null;
}

/** Throws a problem for a spec that follows no schedule of the tenant. */
export async function requireFollowed(
  db: Database,
  { id: tenantId }: Pick<Tenant, 'id'>,
  spec: ScheduleSpec,
): Promise<void> {
  if (spec.kind !== 'follow' || (await isThere(db, { tenantId, name: spec.schedule }))) return;
  throw invalidField(
    '/spec/afterSuccessOf',
    `expected a schedule of the tenant, got ${JSON.stringify(spec.schedule)}, which it does not have`,
  );
}

/** Throws a problem for a schedule whose past due times can't be computed. */
export function refuseFollowing({ name, spec }: Pick<Schedule, 'name' | 'spec'>): void {
  if (spec === null || !followsRuns(spec)) return;
  throw new ProblemError(
    'invalid-state',
    `expected a schedule whose due times follow from its spec, got ${name}, whose due times follow from runs`,
  );
}

export function isFollowed(name: string, schedules: number): ProblemError {
  const who = schedules === 1 ? '1 follows' : `${schedules} follow`;
  return new ProblemError(
    'invalid-state',
    `expected a schedule that no other one follows, got ${name}, which ${who} (afterSuccessOf)`,
    { currentState: 'followed' },
  );
}
