// A thread that checks values against tenants' schemas. It keeps the schemas that it has compiled, by their hashes, and
// answers one question after the other. The replica ends the thread when a question takes too long or fills its heap,
// so the thread itself bounds only the schemas that it keeps.
import { parentPort } from 'node:worker_threads';
import { isListable } from '#execution/schemas/decisions/check-cost.js';
import { compileSchema, type CompiledSchema, type SchemaMismatch } from '#execution/schemas/json-schema.js';

export type SchemaQuestion =
  /** Can it be used? The answer is kept. */
  | { kind: 'compile'; key: string; schemaJson: string }
  /** Does the value fit it? */
  | { kind: 'check'; key: string; json: string };

export type SchemaAnswer =
  /** Answers no question: everything is loaded. */
  | { kind: 'ready' }
  | { kind: 'compiled' }
  | { kind: 'invalid'; path: PropertyKey[]; expected: string }
  /** Not compiled here, or not kept. */
  | { kind: 'unknown' }
  | { kind: 'checked'; mismatches: SchemaMismatch[]; cpuMs: number };

interface Kept {
  compiled: CompiledSchema;
  length: number;
}

/** The code of a schema takes about fifty times as much memory as its text. */
const KEPT_LENGTH_MAX = 256 * 1024;
const kept = new Map<string, Kept>();
let keptLength = 0;

parentPort?.on('message', (question: SchemaQuestion) => say(answer(question)));
say({ kind: 'ready' });

function say(word: SchemaAnswer): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  parentPort?.postMessage(word);
}

function answer(question: SchemaQuestion): SchemaAnswer {
  if (question.kind === 'compile') return compile(question);
  const { key, json } = question;
  const known = kept.get(key);
  if (known === undefined) return { kind: 'unknown' };
  if (known.compiled.kind === 'invalid') return known.compiled;
  const { check } = known.compiled;
  const { user, system } = process.threadCpuUsage();
  const tell = isListable(known.length / 10, json.length) ? 'all' : 'first';
  const mismatches = checked(() => check(JSON.parse(json), tell));
  const used = process.threadCpuUsage();
  return { kind: 'checked', mismatches, cpuMs: (used.user - user + used.system - system) / 1_000 };
}

/** A schema that refers to itself at the same place overflows the stack. */
function checked(check: () => SchemaMismatch[]): SchemaMismatch[] {
  try {
    return check();
  } catch (error) {
    return [
      { path: [], expected: `expected a value that its schema can be checked against: ${String(error)}` },
    ];
  }
}

function compile({ key, schemaJson }: SchemaQuestion & { kind: 'compile' }): SchemaAnswer {
  const { length } = schemaJson;
  if (keptLength + length > KEPT_LENGTH_MAX) {
    kept.clear();
    keptLength = 0;
  }
  const compiled = compileSchema(JSON.parse(schemaJson) as object); // the replica that asks has it as an object
  if (!kept.has(key)) keptLength += length;
  kept.set(key, { compiled, length });
  return compiled.kind === 'invalid' ? compiled : { kind: 'compiled' };
}
