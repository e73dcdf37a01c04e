// What becomes of a run whose concurrency key is taken by a running one, and the stored key that says so to the owner of
// its slot. As with schedules (schedule-key.ts), the policy is a part of the stored key: runs of one policy stand in a
// lane of their own, and every replica reads the policy from the lane alone, without a statement or a column.
import { readScheduleKey } from '../schedule-key.js';

export type KeyOverlap =
  /** It does not run. */
  | { mode: 'skip' }
  /** It waits for its turn; with a `max` at most so many wait, and more do not run. */
  | { mode: 'queue'; max: number | null }
  /** The running one is cancelled. */
  | { mode: 'replace' }
  /** It waits for its turn, and takes the place of those that waited before it. */
  | { mode: 'latest' };

/** As a caller says it: `allow` is the same as nothing, and a queue without `max` has no bound. */
export interface GivenOverlap {
  mode: 'allow' | KeyOverlap['mode'];
  max?: number | undefined;
}

/** As a caller says it: `any` is the same as nothing. */
export type GivenOrder = 'any' | 'strict';

/** What a job type says of its runs that name a key and say nothing beside it. */
export interface KeyDefaults {
  overlap?: GivenOverlap | undefined;
  order?: GivenOrder | undefined;
}

export interface OverlapKey {
  /** As its user gave it. */
  key: string;
  overlap: KeyOverlap;
  /** Its runs start in their order, and a later one waits for the end of what becomes of an earlier one. */
  isStrict?: true;
}

/** A user's key beside a policy, in characters; migrations/0036 says the same. */
export const OVERLAP_KEY_MAX = 180;
export const KEY_WAITING_MAX = 1_000;

const FORM = /^overlap\/(?:(skip|replace|latest|strict)|queue(?::([1-9]\d{0,3}))?)\/(.+)$/s;

export function overlapKey({ key, overlap, isStrict }: OverlapKey): string {
  // The triggers of migrations/0039 know it by this beginning.
  if (isStrict === true) return `overlap/strict/${key}`;
  const max = overlap.mode === 'queue' && overlap.max !== null ? `:${overlap.max}` : '';
  return `overlap/${overlap.mode}${max}/${key}`;
}

/** The stored key of a run whose maker says this beside the key. */
export function storedKeyOf(key: string, given: GivenOverlap | undefined, order?: GivenOrder): string {
  if (order === 'strict') return overlapKey({ key, overlap: { mode: 'queue', max: null }, isStrict: true });
  if (given === undefined || given.mode === 'allow') return key;
  const { mode, max = null } = given;
  return overlapKey({ key, overlap: mode === 'queue' ? { mode, max } : { mode } });
}

/** As they are stored: null where they say nothing. */
export function effectiveDefaults(given: KeyDefaults | null | undefined): KeyDefaults | null {
  if (given?.order === 'strict') return { order: 'strict' };
  if (given?.overlap === undefined || given.overlap.mode === 'allow') return null;
  const { mode, max } = given.overlap;
  return { overlap: max === undefined ? { mode } : { mode, max } };
}

/** Null for a key without a policy, and for that of a schedule. */
export function readOverlapKey(stored: string | null): OverlapKey | null {
  const [, mode, max, key] = (stored?.startsWith('overlap/') === true ? FORM.exec(stored) : null) ?? [];
  if (key === undefined) return null;
  if (mode === 'strict') return { key, overlap: { mode: 'queue', max: null }, isStrict: true };
  if (mode === 'skip' || mode === 'replace' || mode === 'latest') return { key, overlap: { mode } };
  return { key, overlap: { mode: 'queue', max: max === undefined ? null : Number(max) } };
}

/** The policy of a run with this stored key, be it a schedule's or a user's. */
export function overlapOf(stored: string | null): KeyOverlap | undefined {
  const overlap = (readScheduleKey(stored) ?? readOverlapKey(stored))?.overlap;
  return overlap?.mode === 'allow' ? undefined : overlap;
}

/** Whether runs with this stored key start in their order. */
export function isStrictKey(stored: string | null): boolean {
  return readOverlapKey(stored)?.isStrict === true;
}

/** Whether a text has the form of a key that is stored for a policy, so that no user's own key may be it. */
export function isStoredKey(key: string): boolean {
  // In SQL the mode `allow` is written, too, so that the job type's defaults do not apply (migrations/0039).
  return key.startsWith('overlap/allow/') || readScheduleKey(key) !== null || readOverlapKey(key) !== null;
}
