// Reports a mismatch: its place, the expected and the received, in one form for every part of a request and any
// validator.
import type { ValidationIssue } from '#client/jobs/standard-schema.js';
import { shownUrl } from '#execution/endpoints/endpoint-url.js';
import { expectedText } from '../../settings/expected-text.js';
import { fieldHint } from './known-fields.js';
import type { FieldError } from './problem.js';

type Path = readonly PropertyKey[];

/** Writes a place, e.g. as a JSON pointer. */
export type Place = (path: Path) => string;

/** At most so many mistakes of a request are reported. */
const TOLD_MAX = 50;

export function fieldErrors(issues: readonly ValidationIssue[], value: unknown, place: Place): FieldError[] {
  return issues
    .slice(0, TOLD_MAX)
    .flatMap(ofFittingAlternative)
    .flatMap(mismatches)
    .slice(0, TOLD_MAX)
    .map(({ path, expected, isOfKey }) => ({
      pointer: place(path),
      detail: `${expected}, got ${show(isOfKey ? path.at(-1) : valueAt(value, path))}`,
    }));
}

interface Mismatch {
  path: Path;
  expected: string;
  /** The name of the field is wrong, and not its value. */
  isOfKey: boolean;
}

interface UnionIssue extends ValidationIssue {
  errors?: readonly (readonly ValidationIssue[])[];
}

/** Of a text or a list, where only one has the type of what was sent: what is wrong inside it, at its place. */
function ofFittingAlternative(issue: UnionIssue & { code?: unknown }): ValidationIssue[] {
  if (issue.code !== 'invalid_union' || issue.errors === undefined) return [issue];
  const fitting = issue.errors.filter((inner) => !inner.some(isWrongType));
  const [only] = fitting;
  if (only === undefined || only.length === 0 || fitting.length > 1) return [issue];
  return only.map((inner) => ({ ...inner, path: [...(issue.path ?? []), ...(inner.path ?? [])] }));
}

/** Of the whole value, not of a part. */
const isWrongType = (issue: ValidationIssue & { code?: unknown }): boolean =>
  issue.code === 'invalid_type' && (issue.path ?? []).length === 0;

function mismatches(issue: ValidationIssue & { code?: unknown; known?: unknown }): Mismatch[] {
  const path = (issue.path ?? []).map((part) => (typeof part === 'object' ? part.key : part));
  const unknown = unrecognizedKeys(issue);
  if (unknown.length > 0)
    return unknown.map((key) => ({
      path: [...path, key],
      expected: `expected no such field${fieldHint(key, issue)}`,
      isOfKey: false,
    }));
  return [{ path, expected: expectedText(issue), isOfKey: issue.code === 'invalid_key' }];
}

/** zod reports unknown fields in one issue about their object, with a list of their names. */
function unrecognizedKeys(issue: ValidationIssue & { code?: unknown; keys?: unknown }): string[] {
  const isThat = issue.code === 'unrecognized_keys' && Array.isArray(issue.keys);
  return isThat ? (issue.keys as unknown[]).slice(0, TOLD_MAX).map(String) : [];
}

/** Own fields only: a schema can require a `constructor`, which every object inherits and JSON can't show. */
function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (parent, key) =>
      typeof parent === 'object' && parent !== null && Object.hasOwn(parent, key)
        ? Reflect.get(parent, key)
        : undefined,
    value,
  );
}

const SHOWN_LENGTH_MAX = 100;

export function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  // Without the password of a URL, which would reach the logs of each proxy on the way.
  const shown = JSON.stringify(typeof value === 'string' ? shownUrl(value) : value);
  return shown.length > SHOWN_LENGTH_MAX ? `${shown.slice(0, SHOWN_LENGTH_MAX).toWellFormed()}…` : shown;
}
