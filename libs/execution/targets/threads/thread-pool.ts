// How does a handler compute without holding everything up? In a thread of a small pool, one attempt at a time in each.
// A stopped handler gets its signal, and its thread is ended if it does not stop. Whenever a thread ends, by a crash,
// an exit or a full heap, its attempt fails and nothing else does.
import { extname } from 'node:path';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import type { EnqueueableJob } from '#client/jobs/enqueue-options.js';
import type { JobContext } from '#client/jobs/job-definition.js';
import { CancelRun, FatalError, RetryAt, Snooze } from '#client/jobs/outcomes.js';
import { describeAttemptFailure } from '#execution/runs/attempt-failure.js';
import { AttemptContext } from '#execution/targets/job-context.js';
import { threw } from './thread-main.js';
import type { FromThread, ThreadTask, ThrownInThread, ToThread } from './thread-messages.js';

export interface ThreadSettings {
  threads: number;
  /** Heap of each thread. */
  memoryMb: number;
  graceMs: number;
  rest: (name: string, ms: number) => Promise<void>;
  /** The module that lets the users' modules import 'carillon'. */
  hooksUrl: string;
  /** A thread ended while it had no attempt: an earlier attempt had left something running. */
  onStray: (error: Error) => void;
}

export type ThreadJob = Pick<ThreadTask, 'moduleUrl' | 'job' | 'payload'>;

const MAIN = fileURLToPath(new URL(`./thread-main${extname(import.meta.url)}`, import.meta.url));
const IDLE_MS = 30_000;

/** Errors that steer an attempt instead of failing it; recognised on this side by their names. */
const STEERING = new Map<string, object>([
  ['CancelRun', CancelRun.prototype],
  ['FatalError', FatalError.prototype],
  ['RetryAt', RetryAt.prototype],
  ['Snooze', Snooze.prototype],
]);

export class ThreadPool {
  #pool: Piscina | null = null;

  constructor(private readonly settings: ThreadSettings) {}

  /** Resolves and rejects as the handler did. The attempt's time runs from when a thread is free. */
  async run(job: ThreadJob, context: JobContext): Promise<unknown> {
    const { port1: port, port2 } = new MessageChannel();
    const ended = Promise.withResolvers<unknown>();
    const kill = new AbortController();
    const clock = AttemptContext.clockOf(context);
    let hasBegun = false;
    clock?.stop();
    port.on('message', (word: FromThread) => {
      if (word.kind === 'begun') {
        hasBegun = true;
        clock?.restart();
      } else if (word.kind === 'enqueue' || word.kind === 'previous-fire') void answer(word, context, port);
      else hear(word, context, ended);
      if (word.kind === 'progress' || word.kind === 'heartbeat')
        port.postMessage({ kind: 'heard' } satisfies ToThread);
    });
    const stop = (): void => {
      if (!hasBegun) return kill.abort();
      port.postMessage(reasonOf(context.signal.reason));
      void this.settings
        .rest(`thread-${context.runId}-${context.attempt}`, this.settings.graceMs)
        .then(() => kill.abort());
    };
    context.signal.addEventListener('abort', stop, { once: true });
    try {
      const { tenant, runId, attempt, dueAt, idempotencyKey, lastDetails, locks } = context;
      const data = { tenant, runId, attempt, dueAt, idempotencyKey, lastDetails, locks };
      const task: ThreadTask = { ...job, context: data, hooksUrl: this.settings.hooksUrl, port: port2 };
      const done = this.#open().run(task, { transferList: [port2], signal: kill.signal });
      done.catch((error: unknown) => ended.reject(crash(error, context.signal)));
      return await ended.promise;
    } finally {
      context.signal.removeEventListener('abort', stop);
      port.close();
    }
  }

  async close(): Promise<void> {
    await this.#pool?.destroy();
    this.#pool = null;
  }

  #open(): Piscina {
    if (this.#pool !== null) return this.#pool;
    const { threads, memoryMb, onStray } = this.settings;
    this.#pool = new Piscina({
      filename: MAIN,
      minThreads: 0,
      maxThreads: threads,
      concurrentTasksPerWorker: 1,
      idleTimeout: IDLE_MS,
      resourceLimits: { maxOldGenerationSizeMb: memoryMb },
      // A waiting thread must go on running its own timers, so that a leftover of one attempt is not blamed on the
      // next.
      atomics: 'disabled',
      recordTiming: false,
    });
    this.#pool.on('error', onStray);
    return this.#pool;
  }
}

type Question = FromThread & { kind: 'enqueue' | 'previous-fire' };

/** Never rejects: the thread gets each outcome as a message. */
async function answer(question: Question, context: JobContext, port: MessagePort): Promise<void> {
  const { call } = question;
  let word: ToThread;
  try {
    word = { kind: 'answered', call, answer: await ask(question, context) };
  } catch (error) {
    word = { kind: 'refused', call, error: threw(error).error };
  }
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port between threads, not a window
  port.postMessage(word);
}

async function ask(question: Question, context: JobContext): Promise<unknown> {
  if (question.kind === 'previous-fire') return context.previousFire();
  const { job, payloadJson, options } = question;
  return context.enqueue(asChecked(job), JSON.parse(payloadJson) as unknown, options);
}

/** A job whose payload the thread has checked already. */
function asChecked(name: string): EnqueueableJob<unknown> {
  return {
    name,
    payload: { '~standard': { version: 1, vendor: 'carillon', validate: (value) => ({ value }) } },
  };
}

function hear(
  word: Exclude<FromThread, { kind: 'begun' | Question['kind'] }>,
  { log, progress, heartbeat }: JobContext,
  ended: PromiseWithResolvers<unknown>,
): void {
  switch (word.kind) {
    case 'log':
      return (log[word.level] as (...words: unknown[]) => void)(...word.words); // the thread has checked the arguments
    case 'progress':
      return (progress as (...words: unknown[]) => void)(...word.words); // here, too
    case 'heartbeat':
      return heartbeat(word.details);
    case 'returned':
      return ended.resolve(word.output);
    case 'unfit':
      // The work is done; a retry would only bring the same output.
      return ended.reject(Object.assign(new FatalError(word.reason), { name: 'UnfitOutput' }));
    case 'threw':
      return ended.reject(revive(word.error));
  }
}

function revive({ name, message, stack, own }: ThrownInThread): Error {
  const error = Object.assign(new Error(message), own, { name });
  if (stack !== undefined) error.stack = stack;
  return Object.setPrototypeOf(error, STEERING.get(name) ?? Error.prototype) as Error; // it is `error` itself
}

function reasonOf(reason: unknown): ToThread {
  const { name, message } = reason instanceof Error ? reason : { name: 'Error', message: String(reason) };
  return { kind: 'stop', name, message, why: (reason as { why?: unknown } | null | undefined)?.why };
}

function crash(thrown: unknown, signal: AbortSignal): Error {
  if (signal.aborted)
    return signal.reason instanceof Error ? signal.reason : new Error('the attempt was stopped');
  const { name, message } = describeAttemptFailure(thrown);
  const error = new Error(`the thread of the attempt ended: ${name}: ${message}`, { cause: thrown });
  return Object.assign(error, { name: 'ThreadEnded' });
}
