// Refuses a payload that is written as a template. Nothing fills it in, and its handler would find the braces months later.
import { jsonObject } from '../../requests/shapes.js';

const TEMPLATE = /\{\{\s*(dueAt|previousDueAt|missedCount|now|scheduledTime)\s*\}\}/;

const INSTEAD: Readonly<Record<string, string>> = {
  previousDueAt: 'context.previousFire()',
  missedCount: 'context.previousFire()',
  now: 'the clock',
};

/** The payload of a schedule's runs. */
export const schedulePayload = jsonObject.superRefine((payload, context) => {
  for (const { path, name } of templatesIn(payload))
    context.addIssue({
      code: 'custom',
      path,
      message: `expected no {{${name}}}, since payloads are not filled in: the handler reads ${INSTEAD[name] ?? 'context.dueAt'}`,
    });
});

function templatesIn(payload: unknown): { path: PropertyKey[]; name: string }[] {
  const found: { path: PropertyKey[]; name: string }[] = [];
  const waiting: { value: unknown; path: PropertyKey[] }[] = [{ value: payload, path: [] }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { value, path } = next;
    if (typeof value === 'string') {
      const name = TEMPLATE.exec(value)?.[1];
      if (name !== undefined) found.push({ path, name });
    } else if (typeof value === 'object' && value !== null)
      for (const [key, inner] of Object.entries(value))
        waiting.push({ value: inner, path: [...path, Array.isArray(value) ? Number(key) : key] });
  }
  return found.toReversed();
}
