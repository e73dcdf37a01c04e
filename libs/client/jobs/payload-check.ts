// Checks a payload by the job's own schema, wherever a run is created.
import type { StandardSchemaV1, ValidationIssue } from './standard-schema.js';

/** The payload does not fit the job's schema; `issues` says where and why. */
export class InvalidPayloadError extends TypeError {
  override readonly name = 'InvalidPayloadError';
  readonly issues: readonly ValidationIssue[];

  constructor(job: string, place: string, issues: readonly ValidationIssue[]) {
    super(
      `expected a payload that fits job ${job}, got one that does not: ${issues.map((issue) => `${place}${pathOf(issue)}: ${issue.message}`).join('; ')}`,
    );
    this.issues = issues;
  }
}

/** Throws InvalidPayloadError. */
export async function parsePayload(
  { name, payload: schema }: { name: string; payload: StandardSchemaV1<unknown, unknown> },
  payload: unknown,
  place = '/payload',
): Promise<void> {
  const checked = await schema['~standard'].validate(payload);
  if (checked.issues !== undefined) throw new InvalidPayloadError(name, place, checked.issues);
}

/** The JSON pointer of the issue; empty for the whole value. */
export function pathOf({ path = [] }: ValidationIssue): string {
  return path.map((part) => `/${String(typeof part === 'object' ? part.key : part)}`).join('');
}
