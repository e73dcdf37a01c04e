// How is a run handed to a handler in this process? Its payload is checked against the job's schema
// first; one that does not fit will not fit next time either, so that is fatal.
import type { JobContext } from '#client/jobs/job-definition.js';
import { isOutcome } from '#client/jobs/outcomes.js';
import type { ValidationIssue } from '#client/jobs/standard-schema.js';
import { jsonPointer } from '#kernel/json/json-pointer.js';
import type { ClaimedRun } from '#execution/runs/claimed-run.js';
import type { AttemptResult } from '#execution/runs/decisions/run-transition.js';
import type { HandlerRegistry } from './handler-registry.js';

export interface HandlerCall {
  registry: HandlerRegistry;
  handler: string;
  run: ClaimedRun;
  context: JobContext;
}

export async function callHandler({ registry, handler, run, context }: HandlerCall): Promise<AttemptResult> {
  const registered = registry.find(handler);
  if (registered === undefined) {
    // Not fatal: in a rolling deploy the run's slot goes to a replica that has the handler, or this one starts anew with it.
    return failed(
      'HandlerMissing',
      `expected a handler for job ${handler} in this replica, found none; start it with CARILLON_HANDLERS, then retry the run`,
      false,
    );
  }
  // Most schemas answer at once; to await them all the same costs 0.1 µs a run.
  const validated = registered.definition.payload['~standard'].validate(run.payload);
  const checked = validated instanceof Promise ? await validated : validated;
  if (checked.issues !== undefined) {
    return failed(
      'InvalidPayload',
      `the payload does not fit job ${handler}: ${describeIssues(checked.issues)}`,
      true,
    );
  }
  const answered: unknown = await registered.handle({ payload: checked.value }, context);
  // Returning a Snooze means the same as throwing it.
  if (isOutcome(answered, 'Snooze')) throw answered;
  const returned = answered ?? null;
  const schema = registered.definition.output;
  if (schema === undefined) return { kind: 'succeeded', output: returned };
  const output = await schema['~standard'].validate(returned);
  if (output.issues === undefined) return { kind: 'succeeded', output: output.value ?? returned };
  // The work is done; a retry would only bring the same output.
  return failed(
    'InvalidOutput',
    `the output does not fit job ${handler}: ${describeIssues(output.issues)}`,
    true,
  );
}

export function describeIssues(issues: readonly ValidationIssue[]): string {
  return issues.map((issue) => `${pointerOf(issue)}: ${issue.message}`).join('; ');
}

/** The whole value is called `/`, since a message needs some word for it. */
function pointerOf({ path = [] }: ValidationIssue): string {
  return jsonPointer(path.map((part) => (typeof part === 'object' ? part.key : part))) || '/';
}

function failed(name: string, message: string, fatal: boolean): AttemptResult {
  return { kind: 'failed', error: { name, message }, fatal };
}
