// Do a payload and an output fit the schemas that a tenant gave its job type? If not, the run has failed for good: a
// payload stays what it is, and an output is of work that is done. Whoever asks for a run over the API is told at once;
// from SQL, or before a schema was made narrower, a payload comes in unseen and is looked at here, before anything is
// called.
import type { AttemptResult } from './decisions/run-transition.js';
import { compileSchema, type CompiledSchema } from './json-schema.js';

const REMEMBERED_MAX = 500;
const remembered = new Map<string, CompiledSchema>();

interface TenantsSchema {
  what: 'payload' | 'output';
  jobType: string;
  schema: object;
}

/** Null when it fits. */
export function checkPayload(
  payload: unknown,
  { name, payloadSchema }: { name: string; payloadSchema: object },
): AttemptResult | null {
  return misfitOf(payload, { what: 'payload', jobType: name, schema: payloadSchema });
}

export function checkOutput(
  succeeded: AttemptResult & { kind: 'succeeded' },
  { name, outputSchema }: { name: string; outputSchema: object },
): AttemptResult {
  return misfitOf(succeeded.output, { what: 'output', jobType: name, schema: outputSchema }) ?? succeeded;
}

function misfitOf(value: unknown, { what, jobType, schema }: TenantsSchema): AttemptResult | null {
  const name = what === 'payload' ? 'InvalidPayload' : 'InvalidOutput';
  const misfit = (message: string): AttemptResult => ({
    kind: 'failed',
    error: { name, message },
    fatal: true,
  });
  const known = compiled(schema);
  if (known.kind === 'invalid')
    return misfit(
      `expected ${what === 'output' ? 'an' : 'a'} ${what} schema of job type ${jobType} that can be used: ${known.expected}`,
    );
  const mismatches = known.check(value);
  if (mismatches.length === 0) return null;
  const told = mismatches
    .slice(0, 20)
    .map(({ path, expected }) => `/${path.map(String).join('/')}: ${expected}`);
  return misfit(`the ${what} does not fit job type ${jobType}: ${told.join('; ')}`);
}

/** Compiling costs a millisecond, which a run should not pay each time. */
function compiled(schema: object): CompiledSchema {
  const text = JSON.stringify(schema);
  const known = remembered.get(text);
  if (known !== undefined) return known;
  if (remembered.size >= REMEMBERED_MAX) remembered.clear();
  const fresh = compileSchema(schema, { trusted: false });
  remembered.set(text, fresh);
  return fresh;
}
