// Does an output fit the schema that a tenant gave its job type? If not, the run has failed for good: its work is
// done, and doing it again would only bring the same output.
import type { AttemptResult } from './decisions/run-transition.js';
import { compileSchema, type CompiledSchema } from './json-schema.js';

const REMEMBERED_MAX = 500;
const remembered = new Map<string, CompiledSchema>();

export function checkOutput(
  succeeded: AttemptResult & { kind: 'succeeded' },
  { name, outputSchema }: { name: string; outputSchema: object },
): AttemptResult {
  const schema = compiled(outputSchema);
  if (schema.kind === 'invalid') {
    return misfit(`expected an output schema of job type ${name} that can be used: ${schema.expected}`);
  }
  const mismatches = schema.check(succeeded.output);
  if (mismatches.length === 0) return succeeded;
  const told = mismatches
    .slice(0, 20)
    .map(({ path, expected }) => `/${path.map(String).join('/')}: ${expected}`);
  return misfit(`the output does not fit job type ${name}: ${told.join('; ')}`);
}

function misfit(message: string): AttemptResult {
  return { kind: 'failed', error: { name: 'InvalidOutput', message }, fatal: true };
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
