// Do a payload and an output fit the schemas that a tenant gave its job type? If not, the run fails for good: its
// payload stays the same, and an output belongs to finished work. A caller of the API learns of a misfit at once. A
// payload from SQL, or from before a schema was made narrower, is checked here for the first time, before anything is
// called. Both are checked in their stored form.
import type { TenantId } from '#kernel/ids.js';
import type { AttemptResult } from '#execution/runs/decisions/run-transition.js';
import type { SchemaChecks, Verdict } from './schema-checks.js';
import { encodeJson } from '#execution/runs/stored-json.js';

interface TenantsSchema {
  what: 'payload' | 'output';
  tenantId: TenantId;
  jobType: string;
  schema: object;
}

const SHOWN_MAX = 20;

/** Null when it fits. */
export async function checkPayload(
  checks: SchemaChecks,
  payload: unknown,
  { tenantId, name, payloadSchema }: { tenantId: TenantId; name: string; payloadSchema: object },
): Promise<AttemptResult | null> {
  const json = JSON.stringify(payload); // it was stored as such
  const schema = { what: 'payload', tenantId, jobType: name, schema: payloadSchema } as const;
  return misfitOf(checks, { value: payload, json }, schema);
}

/** Null when it fits, or can't be stored anyway. */
export async function checkOutput(
  checks: SchemaChecks,
  output: unknown,
  { tenantId, name, outputSchema }: { tenantId: TenantId; name: string; outputSchema: object },
): Promise<AttemptResult | null> {
  const encoded = encodeJson(output);
  if (encoded.kind === 'unfit') return null;
  const value: unknown = JSON.parse(encoded.json);
  const schema = { what: 'output', tenantId, jobType: name, schema: outputSchema } as const;
  return misfitOf(checks, { value, json: encoded.json }, schema);
}

async function misfitOf(
  checks: SchemaChecks,
  checked: { value: unknown; json: string },
  { what, tenantId, jobType, schema }: TenantsSchema,
): Promise<AttemptResult | null> {
  const verdict = await checks.check({ tenantId, schema, ...checked });
  if (verdict.kind === 'fits') return null;
  const name = what === 'payload' ? 'InvalidPayload' : 'InvalidOutput';
  return { kind: 'failed', error: { name, message: messageOf(verdict, what, jobType) }, fatal: true };
}

function messageOf(verdict: Exclude<Verdict, { kind: 'fits' }>, what: string, jobType: string): string {
  switch (verdict.kind) {
    case 'unusable':
      return `expected ${what === 'output' ? 'an' : 'a'} ${what} schema of job type ${jobType} that can be used: ${verdict.expected}`;
    case 'too-costly':
      return `the ${what} can not be checked by the schema of job type ${jobType}: ${verdict.expected}`;
    case 'misfit': {
      const told = verdict.mismatches
        .slice(0, SHOWN_MAX)
        .map(({ path, expected }) => `/${path.map(String).join('/')}: ${expected}`);
      return `the ${what} does not fit job type ${jobType}: ${told.join('; ')}`;
    }
  }
}
