// Translates between the API and the intake of runs: what a request wants, and which problem a refusal is.
import type { Enqueued } from '#execution/intake/enqueue.js';
import type { Refused } from '#execution/intake/run-intake.js';
import type { Quota } from '#execution/intake/run-quota.js';
import type { WantedRun } from '#execution/intake/wanted-run.js';
import type { RunId } from '#kernel/ids.js';
import { inactive } from '../access/auth.guard.js';
import { notFound, ProblemError, type ProblemType } from '../problems/problem.js';
import type { RunInput } from './run.shapes.js';

export function wantedOf({ runAt, deadline, ...input }: RunInput): WantedRun {
  return { ...input, runAt: dateOf(runAt), deadline: dateOf(deadline) };
}

export function dateOf(instant: string | undefined): Date | undefined {
  return instant === undefined ? undefined : new Date(instant);
}

/** The problem of a run that came alone and was not created in this tenant. */
export function refusalOf(
  refused: Refused<ProblemError>,
  tenant: string,
  key: string | undefined,
): ProblemError {
  switch (refused.kind) {
    case 'misfit':
      return refused.why;
    case 'no-tenant':
      return notFound('tenant', tenant);
    case 'suspended':
      return inactive(refused.tenant);
    case 'over-quota':
      return overQuota(refused.quota);
    case 'key-taken':
    case 'not-replaceable':
      return keyHeld(refused, key);
  }
}

/** The problem of a run of a batch that was not created; null for one that was. */
export function problemOf(
  result: Enqueued,
  key: string | undefined,
  quota: Quota | null,
): ProblemError | null {
  switch (result.kind) {
    case 'created':
    case 'returned':
    case 'replaced':
      return null;
    case 'over-quota':
      return overQuota(quota);
    case 'key-taken':
    case 'not-replaceable':
      return keyHeld(result, key);
  }
}

function keyHeld(
  { kind, id }: { kind: 'key-taken' | 'not-replaceable'; id: RunId },
  key: string | undefined,
): ProblemError {
  return kind === 'key-taken'
    ? atKey(
        'already-exists',
        id,
        `expected a key that no run holds, got ${JSON.stringify(key)}, which run ${id} holds`,
      )
    : atKey(
        'invalid-state',
        id,
        `expected the run that holds the key to wait for its first attempt, got run ${id}, which is claimed, was tried, or has ended`,
      );
}

function overQuota(quota: Quota | null): ProblemError {
  const { max, current } = quota ?? { max: 0, current: 0 };
  return new ProblemError(
    'quota-exceeded',
    `expected the tenant to have at most ${max} runs that are not over (maxQueued), got one more in addition to ${current}`,
    { limit: { name: 'maxQueued', max, current }, headers: { 'retry-after': '5' } },
  );
}

function atKey(type: ProblemType, run: RunId, detail: string): ProblemError {
  return new ProblemError(type, `/unique/key: ${detail}`, {
    run,
    errors: [{ pointer: '/unique/key', detail }],
  });
}
