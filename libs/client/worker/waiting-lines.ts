// The log lines of one attempt, from the handler's call until the API has them. They are encoded at once, since the
// handler may change its objects right after, and sent in requests of a bounded size. Lines whose request failed for
// a passing reason wait for the next one. Refused lines would be refused again, and are dropped.
import type { LogLevel } from '#client/jobs/job-definition.js';
import { lineOf } from './accepted-json.js';
import { CallFailed } from './worker-calls.js';

const LINES_MAX = 1_000;
/** Counted in UTF-16 units; each is at most three bytes of the megabyte that a request may have. */
const REQUEST_LENGTH_MAX = 300_000;

export class WaitingLines {
  /** Each is one line of JSON. */
  #lines: string[] = [];

  /** Never throws. Lines beyond the bounds are dropped. */
  add({ level, at }: { level: LogLevel; at: Date }, first: unknown, second: unknown): void {
    if (this.#lines.length >= LINES_MAX) return;
    const line = { level, time: at.toISOString(), ...lineOf(first, second) };
    this.#lines.push(`${JSON.stringify(line)}\n`);
  }

  /** Rejects with the error of `send`. */
  async send(send: (ndjson: string) => Promise<unknown>): Promise<void> {
    while (this.#lines.length > 0) {
      const lines = this.#take();
      try {
        await send(lines.join(''));
      } catch (error) {
        if (error instanceof CallFailed && error.isTransient) this.#lines.unshift(...lines);
        throw error;
      }
    }
  }

  #take(): string[] {
    let length = 0;
    const end = this.#lines.findIndex((line) => (length += line.length) > REQUEST_LENGTH_MAX);
    return this.#lines.splice(0, end === -1 ? this.#lines.length : Math.max(1, end));
  }
}
