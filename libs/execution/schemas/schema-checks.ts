// Where are values checked against tenants' schemas, and at what cost? A check that is certainly cheap runs on the
// event loop. Every other runs in one of two threads: one check of a tenant at a time, each bounded in processor time
// and memory, and all checks of one request together. So a schema that can never be checked, and a value made for it,
// cost their tenant an error, and the event loop nothing.
import { createHash } from 'node:crypto';
import type { Clock } from '#kernel/clock.js';
import type { TenantId } from '#kernel/ids.js';
import { Remembered } from '#kernel/remembered.js';
import { isCheap, isListable, sizeOf, type SchemaSize } from './decisions/check-cost.js';
import { compileSchema, SCHEMA_BYTES_MAX, type CompiledSchema, type SchemaMismatch } from './json-schema.js';
import { SchemaThread, type Ended } from './schema-thread.js';
import type { SchemaAnswer, SchemaQuestion } from './schema-thread-main.js';
import { TenantLine } from './tenant-line.js';

export interface SchemaCheckSettings {
  clock: Clock;
  rest: (name: string, ms: number) => Promise<void>;
}

/** All checks of one request share it; make a new one for each request. */
export interface CheckBudget {
  cpuMsLeft: number;
}

export interface CheckRequest {
  tenantId: TenantId;
  schema: object;
  value: unknown;
  /** The value as JSON. */
  json: string;
  budget?: CheckBudget;
}

export type Verdict =
  | { kind: 'fits' }
  | { kind: 'misfit'; mismatches: SchemaMismatch[] }
  /** `path` leads to the place in the schema. */
  | { kind: 'unusable'; path: PropertyKey[]; expected: string }
  /** It is unknown whether the value fits: finding out takes too much. */
  | { kind: 'too-costly'; expected: string };

type Unusable = Verdict & { kind: 'unusable' };

const THREADS = 2;
const MEMORY_MB = 64;
const CHECK_CPU_MS_MAX = 500;
const COMPILE_CPU_MS_MAX = 1_500;
const REQUEST_CPU_MS_MAX = 2_000;
const WAITING_MAX = 1_000;
const WAITING_LENGTH_MAX = 8 * 1024 * 1024;
const WAITING_WEIGHT = Math.ceil(WAITING_LENGTH_MAX / WAITING_MAX);
const KNOWN_MAX = 500;
const LOOK_MS = 50;

interface KnownSchema {
  json: string;
  key: string;
  size: SchemaSize;
}

const FITS: Verdict = { kind: 'fits' };
const BOUNDS = `${CHECK_CPU_MS_MAX} ms and ${MEMORY_MB} MB`;

export class SchemaChecks {
  readonly #schemas = new WeakMap<object, KnownSchema>();
  /** Schemas that are checked on the event loop, by their hash. */
  readonly #compiled = new Remembered<string, CompiledSchema>({ max: KNOWN_MAX });
  /** Schemas that no thread has to try again, by their hash. */
  readonly #unusable = new Remembered<string, Unusable>({ max: KNOWN_MAX });
  readonly #line = new TenantLine(THREADS);
  readonly #threads = Array.from({ length: THREADS }, () => new SchemaThread(MEMORY_MB));
  #isWatched = false;

  constructor(private readonly settings: SchemaCheckSettings) {}

  static budget(): CheckBudget {
    return { cpuMsLeft: REQUEST_CPU_MS_MAX };
  }

  /** Whether to refuse a request of this tenant for now: it has as many checks waiting as it may. */
  isCrowded(tenantId: TenantId): boolean {
    return this.#line.weightOf(tenantId) >= WAITING_LENGTH_MAX;
  }

  /** Null if values can be checked against it. */
  async whyUnusable(tenantId: TenantId, schema: object): Promise<Unusable | null> {
    const known = this.#known(schema);
    if (known.json.length > SCHEMA_BYTES_MAX || isCheap(known.size, 1))
      return unusableIf(this.#compile(schema, known));
    return this.#line.serve({ tenantId, weight: WAITING_WEIGHT }, (place) => this.#teach(place, known));
  }

  async check({ tenantId, schema, value, json, budget }: CheckRequest): Promise<Verdict> {
    const known = this.#known(schema);
    const { size, key } = known;
    if (isCheap(size, json.length)) {
      const compiled = this.#compile(schema, known);
      if (compiled.kind === 'invalid') return { ...compiled, kind: 'unusable' };
      return verdictOf(compiled.check(value, isListable(size.nodes, json.length) ? 'all' : 'first'));
    }
    const unusable = this.#unusable.get(key);
    if (unusable !== undefined) return unusable;
    if (budget !== undefined && budget.cpuMsLeft <= 0) return overBudget();
    const weight = Math.max(json.length, WAITING_WEIGHT);
    return this.#line.serve({ tenantId, weight }, (place) => this.#checkAt(place, { known, json, budget }));
  }

  /** Ends the threads. A later check begins new ones. */
  close(): void {
    for (const thread of this.#threads) thread.end('stop');
  }

  async #checkAt(
    place: number,
    { known, json, budget }: { known: KnownSchema; json: string; budget: CheckBudget | undefined },
  ): Promise<Verdict> {
    if (budget !== undefined && budget.cpuMsLeft <= 0) return overBudget();
    const question = { kind: 'check', key: known.key, json } as const;
    const ask = () => this.#ask(place, question, CHECK_CPU_MS_MAX);
    let answer: SchemaAnswer | Ended | Unusable = await ask();
    // A thread whose heap was full may have been filled by the schemas that it kept.
    if (answer.kind === 'ended' && answer.why !== 'time') answer = await this.#askAnew(place, known, ask);
    else if (answer.kind === 'unknown') answer = await this.#askAnew(place, known, ask);
    if (budget !== undefined) budget.cpuMsLeft -= answer.kind === 'checked' ? answer.cpuMs : CHECK_CPU_MS_MAX;
    if (answer.kind === 'checked') return verdictOf(answer.mismatches);
    if (answer.kind === 'unusable') return answer;
    if (answer.kind === 'ended' && answer.why === 'stop') throw new ThreadStopped();
    return { kind: 'too-costly', expected: `expected a value that can be checked within ${BOUNDS}` };
  }

  async #askAnew(place: number, known: KnownSchema, ask: () => Promise<SchemaAnswer | Ended>) {
    return (await this.#teach(place, known)) ?? (await ask());
  }

  /** Has the thread compile the schema; null when it can. */
  async #teach(place: number, { key, json: schemaJson }: KnownSchema) {
    const question = { kind: 'compile', key, schemaJson } as const;
    let answer = await this.#ask(place, question, COMPILE_CPU_MS_MAX);
    if (answer.kind === 'ended' && answer.why !== 'time')
      answer = await this.#ask(place, question, COMPILE_CPU_MS_MAX);
    if (answer.kind === 'compiled') return null;
    if (answer.kind === 'ended' && answer.why === 'stop') throw new ThreadStopped();
    const verdict = unusable(answer);
    this.#unusable.set(key, verdict);
    return verdict;
  }

  #ask(place: number, question: SchemaQuestion, cpuMsMax: number): Promise<SchemaAnswer | Ended> {
    const thread = this.#threads[place];
    if (thread === undefined) throw new Error(`expected a place below ${THREADS}, got ${place}`);
    const answer = thread.ask(question, { cpuMsMax, nowMs: this.settings.clock.monotonicMs() });
    if (!this.#isWatched) void this.#watch();
    return answer;
  }

  /** Runs as long as there is a thread. */
  async #watch(): Promise<void> {
    const { clock, rest } = this.settings;
    this.#isWatched = true;
    while (this.#threads.some(({ isAlive }) => isAlive)) {
      const beforeMs = clock.monotonicMs();
      await rest('schema-threads', LOOK_MS);
      const nowMs = clock.monotonicMs();
      // A rest that was cut short means that this replica ends, and no other rest will follow.
      if (nowMs - beforeMs < LOOK_MS / 2) this.close();
      await Promise.all(this.#threads.map((thread) => thread.look(nowMs)));
    }
    this.#isWatched = false;
  }

  #known(schema: object): KnownSchema {
    const known = this.#schemas.get(schema);
    if (known !== undefined) return known;
    const json = JSON.stringify(schema);
    const key = createHash('sha256').update(json).digest('base64');
    const fresh = { json, key, size: sizeOf(schema) };
    this.#schemas.set(schema, fresh);
    return fresh;
  }

  #compile(schema: object, { key }: KnownSchema): CompiledSchema {
    const known = this.#compiled.get(key);
    if (known !== undefined) return known;
    const compiled = compileSchema(schema);
    this.#compiled.set(key, compiled);
    return compiled;
  }
}

class ThreadStopped extends Error {
  override readonly name = 'ThreadStopped';

  constructor() {
    super(
      'expected a thread that checks values, got one that ended twice: this replica ends, or can start no thread',
    );
  }
}

function verdictOf(mismatches: SchemaMismatch[]): Verdict {
  return mismatches.length === 0 ? FITS : { kind: 'misfit', mismatches };
}

function unusableIf(compiled: CompiledSchema): Unusable | null {
  return compiled.kind === 'invalid' ? unusable(compiled) : null;
}

function unusable(answer: SchemaAnswer | Ended): Unusable {
  if (answer.kind === 'invalid') return { ...answer, kind: 'unusable' };
  const bounds = `${COMPILE_CPU_MS_MAX} ms and ${MEMORY_MB} MB`;
  return {
    kind: 'unusable',
    path: [],
    expected: `expected a schema that can be compiled and tried within ${bounds}`,
  };
}

function overBudget(): Verdict {
  const expected = `expected all values of a request to be checked within ${REQUEST_CPU_MS_MAX} ms`;
  return { kind: 'too-costly', expected };
}
