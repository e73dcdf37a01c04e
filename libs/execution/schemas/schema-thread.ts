// Keeps a thread that checks values against tenants' schemas. It begins with the first question and ends after a while
// without one, because it takes 50 MB. A question that uses too much processor time, or fills the heap, ends it, too,
// and the next question begins a new one. Processor time is measured and not elapsed time, because a busy machine would
// otherwise refuse values that fit. The thread answers one question at a time.
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { SchemaAnswer, SchemaQuestion } from './schema-thread-main.js';

/** The thread ended over the question. */
export interface Ended {
  kind: 'ended';
  why: 'time' | 'memory' | 'stop';
}

interface Asked {
  answer: PromiseWithResolvers<SchemaAnswer | Ended>;
  question: SchemaQuestion;
  cpuMsMax: number;
  askedAtMs: number;
  /** The processor time that the thread had used when the question was first measured. */
  cpuMsBefore: number | null;
}

const MAIN = fileURLToPath(new URL(`./schema-thread-main${extname(import.meta.url)}`, import.meta.url));
/** Makes our imports inside the thread resolve as here: to sources in tests, else to the build. */
const EXEC_ARGV = extname(import.meta.url) === '.ts' ? ['--conditions=source'] : [];
/** A machine that gives a thread less than a tenth of its time has other troubles. */
const WALL_PER_CPU = 10;
const LOAD_CPU_MS_MAX = 3_000;
const IDLE_MS = 60_000;

export class SchemaThread {
  #worker: Worker | null = null;
  #isReady = false;
  #asked: Asked | null = null;
  #idleSinceMs = 0;

  constructor(private readonly memoryMb: number) {}

  get isAlive(): boolean {
    return this.#worker !== null;
  }

  /** Never rejects. */
  ask(
    question: SchemaQuestion,
    { cpuMsMax, nowMs }: { cpuMsMax: number; nowMs: number },
  ): Promise<SchemaAnswer | Ended> {
    const answer = Promise.withResolvers<SchemaAnswer | Ended>();
    this.#asked = { answer, question, cpuMsMax, askedAtMs: nowMs, cpuMsBefore: null };
    this.#idleSinceMs = nowMs;
    const worker = this.#worker ?? this.#begin();
    if (this.#isReady) tell(worker, question);
    return answer.promise;
  }

  /** Ends the thread if its question has used too much, or it has been idle for long. To be called again and again. */
  async look(nowMs: number): Promise<void> {
    const worker = this.#worker;
    const asked = this.#asked;
    if (worker === null) return;
    if (asked === null) {
      if (nowMs - this.#idleSinceMs > IDLE_MS) this.end('stop');
      return;
    }
    const cpuMsMax = this.#isReady ? asked.cpuMsMax : LOAD_CPU_MS_MAX;
    if (nowMs - asked.askedAtMs > WALL_PER_CPU * cpuMsMax) return this.end('time');
    if (!this.#isReady) return;
    const { user, system } = await worker.cpuUsage().catch(() => ({ user: 0, system: 0 })); // it has just ended
    if (this.#asked !== asked) return;
    const cpuMs = (user + system) / 1_000;
    asked.cpuMsBefore ??= cpuMs;
    if (cpuMs - asked.cpuMsBefore > cpuMsMax) this.end('time');
  }

  end(why: Ended['why']): void {
    const worker = this.#worker;
    this.#worker = null;
    this.#isReady = false;
    this.#answer({ kind: 'ended', why });
    void worker?.terminate();
  }

  #begin(): Worker {
    const worker = new Worker(MAIN, {
      execArgv: EXEC_ARGV,
      resourceLimits: { maxOldGenerationSizeMb: this.memoryMb, maxYoungGenerationSizeMb: 16 },
    });
    worker.unref();
    // A thread that was ended may still send a message.
    const ifCurrent = (act: () => void) => (): void => (this.#worker === worker ? act() : undefined);
    worker.on('message', (word: SchemaAnswer) => ifCurrent(() => this.#hear(worker, word))());
    worker.on('error', (error: Error & { code?: string }) =>
      ifCurrent(() => this.end(error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'memory' : 'stop'))(),
    );
    worker.on(
      'exit',
      ifCurrent(() => this.end('stop')),
    );
    this.#worker = worker;
    return worker;
  }

  #hear(worker: Worker, word: SchemaAnswer): void {
    if (word.kind !== 'ready') return this.#answer(word);
    this.#isReady = true;
    if (this.#asked !== null) tell(worker, this.#asked.question);
  }

  #answer(answer: SchemaAnswer | Ended): void {
    const asked = this.#asked;
    this.#asked = null;
    asked?.answer.resolve(answer);
  }
}

function tell(worker: Worker, question: SchemaQuestion): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  worker.postMessage(question);
}
