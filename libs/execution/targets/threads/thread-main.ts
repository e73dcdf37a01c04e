// The thread's side of an attempt. It loads the user's module, calls the handler with a context that speaks through a
// port, and reports the result. It may import nothing but Node itself and types: a thread loads this file alone,
// compiled or as it is. A handler that computes without a pause notices an abort when it reads `ctx.signal`.
import { receiveMessageOnPort } from 'node:worker_threads';
import type { ExportedHandler } from '#client/jobs/handler.js';
import type { EnqueueableJob, RunOptions } from '#client/jobs/enqueue-options.js';
import type { ValidationIssue } from '#client/jobs/standard-schema.js';
import type { JobContext, LogLevel } from '#client/jobs/job-definition.js';
import type { FromThread, ThreadTask, ThrownInThread, ToThread } from './thread-messages.js';

/** Further lines of a thread are dropped; the run's log is full sooner. */
const LINES_MAX = 2_000;

// oxlint-disable-next-line import/no-default-export -- that is what the pool calls
export default async function attemptInThread(task: ThreadTask): Promise<void> {
  const { port } = task;
  const context = new ThreadContext(task);
  port.postMessage({ kind: 'begun' } satisfies FromThread);
  let last: FromThread;
  try {
    const handler = await loadHandler(task);
    // Stopped while the module was being loaded: no listener gets an event of the past.
    const jobContext = context.jobContext();
    jobContext.signal.throwIfAborted();
    const output: unknown = await handler.handle({ payload: task.payload }, jobContext);
    last = output instanceof Error ? threw(output) : { kind: 'returned', output };
  } catch (error) {
    last = threw(error);
  }
  context.end();
  try {
    report(port, last);
  } catch (error) {
    const reason = `expected an output that can leave its thread, got ${show(error)}`;
    port.postMessage({ kind: 'unfit', reason } satisfies FromThread);
  }
  port.close();
}

/** What can't leave its thread as it is leaves it as JSON has it, in which it would be stored anyway. */
function report(port: ThreadTask['port'], last: FromThread): void {
  try {
    port.postMessage(last);
  } catch (error) {
    if (last.kind !== 'returned') throw error;
    const json = (JSON.stringify(last.output) as string | undefined) ?? 'null';
    port.postMessage({ kind: 'returned', output: JSON.parse(json) as unknown } satisfies FromThread);
  }
}

async function loadHandler({ moduleUrl, job, hooksUrl }: ThreadTask): Promise<ExportedHandler> {
  const hooks = (await import(hooksUrl)) as { resolveCarillonImports: () => void };
  hooks.resolveCarillonImports();
  try {
    // The same file that the main thread has loaded and checked.
    const loaded = (await import(moduleUrl)) as Record<string, ExportedHandler | null | undefined>;
    const found = Object.values(loaded).find((value) => value?.definition?.name === job);
    if (found !== undefined && found !== null) return found;
    throw new Error(`expected ${moduleUrl} to export job ${job} again`);
  } catch (error) {
    // The error of the module names places in the operator's files: it belongs into the stack, which tenants don't see.
    const message = `expected the handler of job ${job} to be loaded in a thread, but its module threw an error`;
    throw Object.assign(new Error(message), { name: 'HandlerNotLoaded', stack: threw(error).error.stack });
  }
}

class ThreadContext {
  readonly #abort = new AbortController();
  readonly #unsent = new Map<'progress' | 'heartbeat', FromThread>();
  readonly #task: ThreadTask;
  #lines = 0;
  #unheard = 0;
  #calls = 0;
  readonly #asked = new Map<number, PromiseWithResolvers<unknown>>();
  #isOver = false;

  constructor(task: ThreadTask) {
    this.#task = task;
    task.port.on('message', (word: ToThread) => this.#hear(word));
  }

  jobContext(): JobContext {
    const { context } = this.#task;
    const listen = (): AbortSignal => {
      this.#listen();
      return this.#abort.signal;
    };
    const write =
      (level: LogLevel) =>
      (...words: unknown[]): void =>
        this.#log(level, words);
    return {
      ...context,
      get signal() {
        return listen();
      },
      log: { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') },
      progress: (fraction: unknown, ...message: unknown[]) => {
        // Only a number or a text can leave the thread.
        const number = typeof fraction === 'number' ? fraction : Number.NaN;
        this.#say({ kind: 'progress', words: [number, ...message.slice(0, 1).map(textOrNone)] });
      },
      heartbeat: (details?: unknown) => {
        // The other side can't throw into this one, so a value that is no JSON is refused here.
        const json = details === undefined ? undefined : (JSON.stringify(details) as string | undefined);
        if (json === undefined) return this.#say({ kind: 'heartbeat' });
        if (json.length > 64 * 1024)
          throw new TypeError(`heartbeat details: expected at most 65536 bytes of JSON, got ${json.length}`);
        this.#say({ kind: 'heartbeat', details: JSON.parse(json) as unknown });
      },
      enqueue: (definition, payload, options = {}) => this.#enqueue(definition, payload, options),
      // The pool answers each question as its context would.
      previousFire: () =>
        this.#ask((call) => ({ kind: 'previous-fire', call })) as ReturnType<JobContext['previousFire']>,
      // A transaction belongs to its connection, and the connection to the replica's own thread. Fatal: a retry would
      // only compute the same again.
      completeInTx: () => Promise.reject(new NoTransactionInThread()),
    };
  }

  end(): void {
    this.#send();
    this.#isOver = true;
  }

  /** While the handler computes, no event loop delivers its messages. */
  #listen(): void {
    for (;;) {
      const waiting = receiveMessageOnPort(this.#task.port);
      if (waiting === undefined) return;
      this.#hear(waiting.message as ToThread); // only its pool sends messages
    }
  }

  #hear(word: ToThread): void {
    if (word.kind === 'stop') {
      const { name, message, why } = word;
      return this.#abort.abort(Object.assign(new Error(message), { name, why }));
    }
    if (word.kind === 'answered') return this.#asked.get(word.call)?.resolve(word.answer);
    if (word.kind === 'refused') return this.#asked.get(word.call)?.reject(revived(word.error));
    this.#unheard -= 1;
    if (this.#unheard === 0) this.#send();
  }

  /** The thread checks the payload, since it has the job's schema; the replica writes the run. */
  async #enqueue<Input>(
    { name, payload: schema }: EnqueueableJob<Input>,
    payload: Input,
    options: RunOptions,
  ): Promise<string> {
    const checked = await schema['~standard'].validate(payload);
    if (checked.issues !== undefined) {
      const message = checked.issues.map((issue) => `/payload${pathOf(issue)}: ${issue.message}`).join('; ');
      const error = new TypeError(
        `expected a payload that fits job ${name}, got one that does not: ${message}`,
      );
      throw Object.assign(error, { name: 'InvalidPayloadError', issues: checked.issues });
    }
    // Undefined for values that JSON leaves out, although it is not typed to say so.
    const payloadJson = (JSON.stringify(payload) as string | undefined) ?? 'null';
    return this.#ask((call) => ({
      kind: 'enqueue',
      call,
      job: name,
      payloadJson,
      options,
    })) as Promise<string>;
  }

  async #ask(word: (call: number) => FromThread & { kind: 'enqueue' | 'previous-fire' }): Promise<unknown> {
    const call = (this.#calls += 1);
    const question = word(call);
    if (this.#isOver)
      throw new Error(`expected an attempt that is under way, got ${CALLED[question.kind]}() after its end`);
    const answer = Promise.withResolvers<unknown>();
    this.#asked.set(call, answer);
    this.#post(question);
    return answer.promise.finally(() => this.#asked.delete(call));
  }

  #log(level: LogLevel, words: unknown[]): void {
    if (this.#isOver || (this.#lines += 1) > LINES_MAX) return;
    try {
      this.#post({ kind: 'log', level, words });
    } catch (error) {
      const unfit = `${show(words.at(-1))} (its fields can not leave their thread: ${show(error)})`;
      this.#post({ kind: 'log', level, words: [unfit] });
    }
  }

  // The newest message of a kind is enough: a loop that reports each step must not flood the other side.
  #say(word: FromThread & { kind: 'progress' | 'heartbeat' }): void {
    if (this.#isOver) return;
    // A heartbeat without details must not hide an earlier one with details.
    const hidden = this.#unsent.get(word.kind);
    const keeps = word.kind === 'heartbeat' && word.details === undefined && hidden !== undefined;
    this.#unsent.set(word.kind, keeps ? hidden : word);
    this.#listen();
    if (this.#unheard === 0) this.#send();
  }

  #send(): void {
    if (this.#isOver) return;
    for (const word of this.#unsent.values()) this.#post(word);
    this.#unheard += this.#unsent.size;
    this.#unsent.clear();
  }

  #post(word: FromThread): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port between threads, not a window
    this.#task.port.postMessage(word);
  }
}

const CALLED = { enqueue: 'enqueue', 'previous-fire': 'previousFire' } as const;

/** The other side recognises it by its name. */
class NoTransactionInThread extends Error {
  override readonly name = 'FatalError';

  constructor() {
    super(
      'expected a handler without { thread: true }, got completeInTx() in a thread, which has no connection: ' +
        'return the output instead, or let another job write it',
    );
  }
}

function pathOf({ path = [] }: ValidationIssue): string {
  return path.map((part) => `/${String(typeof part === 'object' ? part.key : part)}`).join('');
}

function revived({ name, message, stack, own }: ThrownInThread): Error {
  const error = Object.assign(new Error(message), own, { name });
  if (stack !== undefined) error.stack = stack;
  return error;
}

/** Never throws, for any value, and returns a value that can leave the thread. */
export function threw(thrown: unknown): FromThread & { kind: 'threw' } {
  try {
    return { kind: 'threw', error: readError(thrown) };
  } catch {
    const message = 'expected an error that can be read, got one that throws when it is';
    return { kind: 'threw', error: { name: 'UnreadableError', message, stack: undefined, own: {} } };
  }
}

function readError(thrown: unknown): ThrownInThread {
  if (!(thrown instanceof Error)) {
    const { message, stack } = new Error(`expected an Error to be thrown, got ${show(thrown)}`);
    return { name: 'NonError', message, stack, own: {} };
  }
  const own: Record<string, unknown> = {};
  for (const key of Object.keys(thrown)) {
    const value = valueOf(thrown, key);
    if (CROSSING.has(typeof value) || value instanceof Date) own[key] = value;
  }
  const stack = valueOf(thrown, 'stack');
  return {
    name: show(thrown.name),
    message: show(thrown.message),
    stack: typeof stack === 'string' ? stack : undefined,
    own,
  };
}

const CROSSING = new Set(['string', 'number', 'boolean', 'bigint', 'undefined']);

/** Undefined where a getter throws: one odd field must not hide the error. */
function valueOf(error: Error, key: string): unknown {
  try {
    return Reflect.get(error, key);
  } catch {
    return undefined;
  }
}

function textOrNone(message: unknown): string | undefined {
  return message === undefined ? undefined : show(message);
}

function show(thrown: unknown): string {
  try {
    const text = String(thrown);
    return text === '[object Object]' ? JSON.stringify(thrown) : text;
  } catch {
    return `an ${typeof thrown} that can not be shown`;
  }
}
