// Follows the log of a run until that has ended. Lines come by server-sent events. A stream that breaks, or whose replica
// leaves, is continued elsewhere behind the last line that was read. Where no replica takes one more follower, the log is
// read in pages meanwhile.
import type { LogLevel } from '#client/jobs/job-definition.js';
import { rest } from '#client/worker/worker-calls.js';
import { ApiProblem } from '../api-problem.js';
import { expectCallOptions, traceHeaders, type CallOptions } from '../call-options.js';
import type { ApiCall, ClientCalls, EventAnswer } from '../client-calls.js';
import { eventsOf } from './event-stream.js';
import { pathToRun } from './run-calls.js';

export interface LogOptions extends CallOptions {
  /** The `seq` of the last line that is known already. Default: 0, for all lines. */
  after?: number;
}

/** A line of a run's log. */
export interface ClientLogLine {
  /** Grows from line to line, with gaps. */
  readonly seq: number;
  /** An instant. */
  readonly at: string;
  readonly attempt: number;
  /** Where the attempt ran; distinguishes the lines of a lost attempt. */
  readonly replica: number | null;
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>> | null;
}

interface LogPage {
  items: ClientLogLine[];
  ended: boolean;
}

const PAUSE_MS = { first: 100, last: 2_000 };
const TOO_MANY = 429;

/** Checks its arguments at once, and asks when the first line is wanted. */
export function logs(
  calls: ClientCalls,
  id: string,
  options: LogOptions,
): AsyncGenerator<ClientLogLine, void, undefined> {
  expectCallOptions(options, ['after']);
  const { after = 0, signal } = options;
  if (!Number.isSafeInteger(after) || after < 0)
    throw new TypeError(`expected after to be the seq of a line, a whole number, got ${String(after)}`);
  const path = `${pathToRun(id)}/logs`;
  const call = { method: 'GET', headers: traceHeaders(options), isRepeatable: true, signal } as const;
  return new RunLog(calls, { ...call, path }, after).lines();
}

class RunLog {
  #isOver = false;

  constructor(
    private readonly calls: ClientCalls,
    private readonly call: ApiCall,
    /** The last line that was given. */
    private after: number,
  ) {}

  async *lines(): AsyncGenerator<ClientLogLine, void, undefined> {
    const { signal } = this.call;
    let pauseMs = PAUSE_MS.first;
    while (!this.#isOver) {
      signal?.throwIfAborted();
      const { after } = this;
      const stream = await this.#open();
      yield* stream instanceof ApiProblem ? this.#readPage() : this.#read(stream);
      if (this.#isOver) return;
      const wishedMs = stream instanceof ApiProblem ? stream.retryAfterSeconds * 1_000 : 0;
      pauseMs = this.after > after ? PAUSE_MS.first : Math.min(pauseMs * 2, PAUSE_MS.last);
      await rest(Math.max(wishedMs, pauseMs), signal);
    }
  }

  /** The problem, where too many follow logs already. */
  async #open(): Promise<EventAnswer | ApiProblem> {
    try {
      return await this.calls.openEvents(this.#rest);
    } catch (error) {
      if (error instanceof ApiProblem && error.status === TOO_MANY) return error;
      throw error;
    }
  }

  /** Until the log has ended, or the stream has. */
  async *#read(stream: EventAnswer): AsyncGenerator<ClientLogLine, void, undefined> {
    try {
      for await (const { event, data } of eventsOf(stream)) {
        if (event === 'end') this.#isOver = true;
        if (event === 'log') yield* this.#news([JSON.parse(data) as ClientLogLine]); // as the API describes it
      }
    } catch {
      // It broke, or the signal was aborted, at which the loop looks.
    } finally {
      stream.end(undefined);
    }
    if (!this.#isOver && this.call.signal?.aborted !== true) stream.leave();
  }

  async *#readPage(): AsyncGenerator<ClientLogLine, void, undefined> {
    const { items, ended } = await this.calls.call<LogPage>(this.#rest);
    yield* this.#news(items);
    this.#isOver = ended;
  }

  get #rest(): ApiCall {
    return { ...this.call, path: `${this.call.path}?after=${this.after}` };
  }

  *#news(lines: readonly ClientLogLine[]): Generator<ClientLogLine, void, undefined> {
    for (const line of lines) {
      this.after = line.seq;
      yield line;
    }
  }
}
