// What a thread and its pool tell each other: the task that the thread begins with, and the messages in both
// directions. Types alone, since a thread loads thread-main.ts and no other file.
import type { MessagePort } from 'node:worker_threads';
import type { RunOptions } from '#client/jobs/enqueue-options.js';
import type { JobContext, LogLevel } from '#client/jobs/job-definition.js';

export interface ThreadTask {
  moduleUrl: string;
  job: string;
  payload: unknown;
  context: Pick<
    JobContext,
    'tenant' | 'runId' | 'attempt' | 'dueAt' | 'idempotencyKey' | 'lastDetails' | 'locks'
  >;
  hooksUrl: string;
  port: MessagePort;
}

export interface ThrownInThread {
  name: string;
  message: string;
  stack: string | undefined;
  /** The error's other properties, as far as they can be copied between threads. */
  own: Record<string, unknown>;
}

export type FromThread =
  | { kind: 'begun' }
  | { kind: 'log'; level: LogLevel; words: unknown[] }
  | { kind: 'progress'; words: unknown[] }
  | { kind: 'heartbeat'; details?: unknown }
  /** The payload has passed the job's own schema, which can't be copied between threads. */
  | { kind: 'enqueue'; call: number; job: string; payloadJson: string; options: RunOptions }
  | { kind: 'previous-fire'; call: number }
  | { kind: 'returned'; output: unknown }
  /** The returned value can't leave the thread; the work is done. */
  | { kind: 'unfit'; reason: string }
  | { kind: 'threw'; error: ThrownInThread };

export type ToThread =
  | { kind: 'stop'; name: string; message: string; why: unknown }
  /** The last progress or heartbeat has arrived: there is room for another. */
  | { kind: 'heard' }
  | { kind: 'answered'; call: number; answer: unknown }
  | { kind: 'refused'; call: number; error: ThrownInThread };
