// When do log lines reach the database? Together, a few times a second while there are any, and sooner when an attempt
// has ended, since a user may be waiting to read its log. Lines that could not be written wait for the next pass; a
// line that the database refuses is written without its fields, and harms no other.
import type { Membership } from '#cluster/membership/membership.js';
import type { Database } from '#database/connection.js';
import { isAboutTheValue } from '#database/error-kind.js';
import type { Clock } from '#kernel/clock.js';
import type { RunId } from '#kernel/ids.js';
import { SLEEP_MS, type Loop } from '#kernel/loop.js';
import { describeError } from '#client/jobs/thrown-error.js';
import { admitLine, EMPTY_LOG, LOG_FULL, type LogTally } from './decisions/log-bounds.js';
import { lineOf } from './run-log-line.js';
import type { RunLog, WaitingLine } from './run-log.js';
import { insertLogLines, tallyLogs } from './run-log.repository.js';

const WRITE_EVERY_MS = 250;
/** After the end of an attempt: still so seldom that thousands of short runs a second share their writes. */
const WRITE_ENDED_AFTER_MS = 50;
const BATCH_LINES_MAX = 2_000;
const REMEMBERED_MAX = 20_000;

export class RunLogLoop implements Loop {
  readonly name = 'run-log';
  readonly #tallies = new Map<RunId, LogTally>();
  #writtenAtMs = Number.NEGATIVE_INFINITY;
  #someEnded = false;
  #isWriting = false;

  constructor(
    private readonly membership: Membership,
    private readonly log: RunLog,
    private readonly clock: Clock,
  ) {}

  /** The lines of attempts that have ended are written sooner. */
  onAttemptsEnded(): void {
    this.#someEnded = true;
  }

  /** No line waits, and none is on its way. */
  get isIdle(): boolean {
    return this.log.isEmpty && !this.#isWriting;
  }

  async runOnce(): Promise<number> {
    // No trust needed: log lines of a former member are worth reading, too.
    const { incarnation } = this.membership;
    if (incarnation === null || this.log.isEmpty) return SLEEP_MS;
    const everyMs = this.#someEnded ? WRITE_ENDED_AFTER_MS : WRITE_EVERY_MS;
    const restMs = this.#writtenAtMs + everyMs - this.clock.monotonicMs();
    if (restMs > 0) return restMs;
    this.#someEnded = false;
    const isFull = (await this.#writeNext(incarnation.db)) >= BATCH_LINES_MAX;
    // A full batch means that more lines wait than one write takes.
    this.#writtenAtMs = isFull ? Number.NEGATIVE_INFINITY : this.clock.monotonicMs();
    if (this.log.isEmpty) return SLEEP_MS;
    return isFull ? 0 : WRITE_EVERY_MS;
  }

  async #writeNext(db: Database): Promise<number> {
    this.#isWriting = true;
    const lines = this.log.take(BATCH_LINES_MAX);
    const before = new Map<RunId, LogTally | undefined>(
      lines.map(({ runId }) => [runId, this.#tallies.get(runId)]),
    );
    try {
      await this.#countEarlier(db, lines);
      const admitted = lines.flatMap((line) => this.#admit(line));
      if (admitted.length > 0) await write(db, admitted);
      return lines.length;
    } catch (error) {
      for (const [runId, tally] of before) {
        if (tally === undefined) this.#tallies.delete(runId);
        else this.#tallies.set(runId, tally);
      }
      // Either nothing was written or the answer got lost. In the second case the lines appear twice, which is better
      // than never.
      this.log.putBack(lines);
      throw error;
    } finally {
      this.#isWriting = false;
    }
  }

  /** Lines of earlier attempts, which may have run elsewhere, count, too. */
  async #countEarlier(db: Database, lines: readonly WaitingLine[]): Promise<void> {
    if (this.#tallies.size > REMEMBERED_MAX) this.#tallies.clear();
    const unknown = new Set<RunId>();
    for (const { runId, isFirstAttempt } of lines) {
      if (this.#tallies.has(runId)) continue;
      if (isFirstAttempt) this.#tallies.set(runId, EMPTY_LOG);
      else unknown.add(runId);
    }
    if (unknown.size === 0) return;
    for (const [runId, tally] of await tallyLogs(db, [...unknown])) this.#tallies.set(runId, tally);
  }

  #admit(line: WaitingLine): WaitingLine[] {
    const { admission, tally } = admitLine(this.#tallies.get(line.runId) ?? EMPTY_LOG, line.bytes);
    this.#tallies.set(line.runId, tally);
    switch (admission) {
      case 'kept':
        return [line];
      case 'last':
        return [{ ...line, level: 'warn', ...lineOf(LOG_FULL) }];
      case 'dropped':
        return [];
    }
  }
}

/** Halves a batch that the database refuses until the refused line stands alone. */
async function write(db: Database, lines: readonly WaitingLine[]): Promise<void> {
  try {
    await insertLogLines(db, lines);
  } catch (error) {
    const [only] = lines;
    if (!isAboutTheValue(error) || only === undefined) throw error;
    if (lines.length > 1) {
      const middle = Math.ceil(lines.length / 2);
      await write(db, lines.slice(0, middle));
      await write(db, lines.slice(middle));
    } else if (only.fieldsJson !== null) {
      const { message } = lineOf(
        `${only.message} (its fields were refused: ${describeError(error).message})`,
      );
      await write(db, [{ ...only, message, fieldsJson: null }]);
    }
    // A line that is refused even without its fields is dropped.
  }
}
