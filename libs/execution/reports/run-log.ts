// Where does a line wait until it is written? In memory, in the order in which it was logged, since a handler must
// never wait for its log. The waiting lines are bounded: while the database is away, the oldest are kept and later ones
// dropped, and the run's log says how many.
import type { JobLog, LogLevel, LogWrite } from '#client/jobs/job-definition.js';
import type { ReplicaNumber, RunId } from '#kernel/ids.js';
import { Topic } from '#kernel/topic.js';
import type { ClaimedRun } from '#execution/runs/claimed-run.js';
import { admitLine, EMPTY_LOG, type LogTally } from './decisions/log-bounds.js';
import { lineOf } from './run-log-line.js';
import type { NewLogLine } from './run-log.repository.js';

export interface WaitingLine extends NewLogLine {
  bytes: number;
  /** Only this attempt can have written lines of its run so far. */
  isFirstAttempt: boolean;
}

/** A line from outside of this process, of a remote worker for instance. */
export interface GatheredLine {
  runId: RunId;
  attempt: number;
  at: Date;
  level: LogLevel;
  message: string;
  fields?: object | undefined;
}

const WAITING_LINES_MAX = 50_000;
const WAITING_BYTES_MAX = 32 * 1024 * 1024;

export class RunLog {
  /** Lines wait, where none did before. */
  readonly pending = new Topic<void>();
  /** Attempts have ended whose lines still wait. */
  readonly ended = new Topic<void>();
  #waiting: WaitingLine[] = [];
  #waitingBytes = 0;
  readonly #dropped = new Map<RunId, { line: WaitingLine; count: number }>();

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  /** Takes lines for any run, from any attempt; bounded like those of handlers. */
  noteLogLines(lines: readonly GatheredLine[], replica: ReplicaNumber | null): void {
    for (const { fields, message, ...line } of lines) {
      const text = fields === undefined ? lineOf(message) : lineOf(fields, message);
      this.#add({ ...line, ...text, replica, isFirstAttempt: false });
    }
  }

  /** The log of one attempt. A line written after `end` is dropped: another replica may be running the run by then. */
  begin(
    { id: runId, attempt }: ClaimedRun,
    { replica, now }: { replica: ReplicaNumber | null; now: () => Date },
  ): { log: JobLog; end: () => void } {
    // Counted here as well, so that an endless loop costs a comparison and not memory.
    let tally: LogTally = EMPTY_LOG;
    let isOver = false;
    let isWaiting = false;
    const writeAt =
      (level: LogLevel): LogWrite =>
      (first: unknown, second?: unknown) => {
        if (isOver || tally.isFull) return;
        const text = lineOf(first, second);
        ({ tally } = admitLine(tally, text.bytes));
        isWaiting = true;
        this.#add({ runId, attempt, at: now(), level, ...text, replica, isFirstAttempt: attempt === 1 });
      };
    const end = (): void => {
      isOver = true;
      if (isWaiting && !this.isEmpty) this.ended.publish();
    };
    const log = {
      debug: writeAt('debug'),
      info: writeAt('info'),
      warn: writeAt('warn'),
      error: writeAt('error'),
    };
    return { log, end };
  }

  /** Takes the oldest lines out, with one more line for each run that lost some. */
  take(linesMax: number): WaitingLine[] {
    const taken = this.#waiting.splice(0, linesMax);
    for (const { bytes } of taken) this.#waitingBytes -= bytes;
    if (this.#waiting.length > 0 || taken.length === 0) return taken;
    const holes = [...this.#dropped.values()].map(({ line, count }) => ({
      ...line,
      level: 'warn' as const,
      ...lineOf(`${count} lines from here on were dropped: the database did not take them in time`),
    }));
    this.#dropped.clear();
    return [...taken, ...holes];
  }

  putBack(lines: readonly WaitingLine[]): void {
    this.#waiting = [...lines, ...this.#waiting];
    for (const { bytes } of lines) this.#waitingBytes += bytes;
  }

  #add(line: WaitingLine): void {
    if (this.#waiting.length >= WAITING_LINES_MAX || this.#waitingBytes >= WAITING_BYTES_MAX) {
      const dropped = this.#dropped.get(line.runId) ?? { line, count: 0 };
      dropped.count += 1;
      if (this.#dropped.size < WAITING_LINES_MAX) this.#dropped.set(line.runId, dropped);
      return;
    }
    this.#waiting.push(line);
    this.#waitingBytes += line.bytes;
    if (this.#waiting.length === 1) this.pending.publish();
  }
}
