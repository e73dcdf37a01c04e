// Which settlements are written as one message? Those in which nothing is left to be decided between two statements: all
// attempts have begun, are the first of their runs, say, or each the second, and end their runs with nothing more to
// write. Nearly all are. Each other one, and one whose claim turns out to be gone, is the transaction of settlement.ts.
import type { Membership, Incarnation } from '#cluster/membership/membership.js';
import { isNotCallable } from '#database/error-kind.js';
import type { RunId } from '#kernel/ids.js';
import { settleEnds } from './plain-ends.repository.js';
import { claimsOf, finishedRun, LATE_AFTER_MS, type SettlementBatch } from './settlement.js';

type PlainBatch = Omit<SettlementBatch, 'replica'>;

export function isPlain({ endings, uncertain }: Pick<PlainBatch, 'endings' | 'uncertain'>): boolean {
  const attempt = endings[0]?.run.attempt;
  return endings.every(
    (ending) =>
      ending.transition.kind === 'finish' &&
      ending.run.attempt === attempt &&
      ending.startedAt !== null &&
      ending.lastNote === null &&
      !uncertain.has(ending),
  );
}

/** 'not-plain' means that nothing was written. Else as membership.write(). */
export async function settlePlainly(
  membership: Membership,
  incarnation: Incarnation,
  batch: PlainBatch,
): Promise<{ kind: 'done'; value: Set<RunId> } | { kind: 'fenced' } | { kind: 'not-plain' }> {
  if (!isPlain(batch)) return { kind: 'not-plain' };
  const { starts, endings, finishedClaims } = batch;
  const request = {
    claimIds: claimsOf(batch),
    finishedClaims,
    fires: starts,
    lateAfterMs: LATE_AFTER_MS,
    attempt: endings[0]?.run.attempt ?? 1,
    runs: endings.map(finishedRun),
  };
  const answer = await settleEnds(incarnation.db, incarnation, request).catch((error: unknown) => {
    // Reasons that last, and of which the transaction knows nothing.
    if (isNotCallable(error)) return null;
    throw error;
  });
  if (answer === null) return { kind: 'not-plain' };
  const { verdict, missing } = answer;
  switch (verdict) {
    case 'done':
      return { kind: 'done', value: new Set(missing) };
    case 'fenced':
      membership.acceptDeath(incarnation);
      return { kind: 'fenced' };
    case 'claim-lost':
      return { kind: 'not-plain' };
  }
}
