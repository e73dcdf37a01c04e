// Was more than one user at a time sure of an exclusive lock? A span lasts from the answer to the last moment at which its
// holder found that it was sure; all of them are by one monotonic clock, so that no precision has to be given away.
import type { LockLine, TakenLock } from './lock-log.js';
import { PERMITS } from './lock-plan.js';

export interface SureSpan extends TakenLock {
  readonly id: string;
  readonly fromMs: number;
  readonly toMs: number;
}

/** One for each lock of each acquisition that its user was sure of. */
export function sureSpans(lines: readonly LockLine[]): SureSpan[] {
  const toMs = new Map<string, number>();
  for (const line of lines)
    if (line.kind === 'sure')
      for (const id of line.ids) toMs.set(id, Math.max(toMs.get(id) ?? line.atMs, line.atMs));
  return lines.flatMap((line) =>
    line.kind === 'acquired' && line.isSure
      ? line.taken.map((taken) => ({
          ...taken,
          id: line.id,
          fromMs: line.atMs,
          toMs: Math.max(line.atMs, toMs.get(line.id) ?? line.atMs),
        }))
      : [],
  );
}

/** L1. */
export function checkExclusion(lines: readonly LockLine[]): string[] {
  return [...Map.groupBy(sureSpans(lines), ({ lock }) => lock).values()].flatMap(excesses);
}

function excesses(ofLock: readonly SureSpan[]): string[] {
  let sure: SureSpan[] = [];
  const found: string[] = [];
  for (const span of ofLock.toSorted((a, b) => a.fromMs - b.fromMs)) {
    sure = [...sure.filter(({ toMs }) => toMs > span.fromMs), span];
    const others = sure.filter((other) => other !== span && isInTheWay(other, span));
    for (const other of others)
      found.push(
        `L1: ${nameOf(span)} was sure of it from ${Math.round(span.fromMs)}, and ${nameOf(other)} until ${Math.round(other.toMs)}`,
      );
    const permits = sure.reduce((sum, each) => sum + (each.mode === 'permits' ? each.permits : 0), 0);
    if (permits > PERMITS)
      found.push(
        `L1: ${sure.map(nameOf).join(', ')} were sure of ${permits} permits at once, of which there are ${PERMITS}`,
      );
  }
  return found;
}

export function isInTheWay(a: Pick<TakenLock, 'mode'>, b: Pick<TakenLock, 'mode'>): boolean {
  return a.mode === 'exclusive' || a.mode !== b.mode;
}

function nameOf({ lock, mode, token, id }: SureSpan): string {
  return `${id} (${mode} ${lock}, token ${token})`;
}
