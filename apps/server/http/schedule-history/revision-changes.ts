// What did a change of a schedule do? Two of its revisions are compared field by field, as the API shows them.
import { isDeepStrictEqual } from 'node:util';

export interface FieldChange {
  field: string;
  from: unknown;
  to: unknown;
}

export type RevisionKind = 'created' | 'changed' | 'paused' | 'resumed';

type Shown = Readonly<Record<string, unknown>>;

/** `before` is null for the first revision. */
export function kindOf(after: Shown, before: Shown | null): RevisionKind {
  if (before === null) return 'created';
  if (after['state'] === 'paused' && before['state'] !== 'paused') return 'paused';
  return after['state'] !== 'paused' && before['state'] === 'paused' ? 'resumed' : 'changed';
}

export function changesBetween(before: Shown, after: Shown): FieldChange[] {
  return Object.keys(after)
    .filter((field) => !isDeepStrictEqual(before[field], after[field]))
    .map((field) => ({ field, from: before[field] ?? null, to: after[field] ?? null }));
}
