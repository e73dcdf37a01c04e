// What do the first runs look like? A handful is shown one by one, as they happen, a few of each schedule, or
// the one that fires each second would be all one sees. So would be what was due while nothing ran, which is
// done first after a start: it is told in one line.
import { clockTime, count, duration } from './phrases.js';
import { scheduleOfRun } from './demo.js';
import type { RunNews } from './finished-runs.js';
import type { Screen } from './screen.js';

/** How many lines of which schedule; the retry of `flaky` takes two. */
const SHOWN_MAX: Readonly<Record<string, number>> = { heartbeat: 3, notify: 2, report: 1, flaky: 2 };
/** Runs that start later than this after their due time were due while nothing ran. */
const CAUGHT_UP_MS = 2_000;

export class FirstRuns {
  readonly #left = new Map(Object.entries(SHOWN_MAX));
  #caughtUp = 0;

  constructor(
    private readonly screen: Screen,
    private readonly nameOf: (replica: number) => string,
    private readonly onDone: () => void,
  ) {}

  show(news: RunNews): void {
    if (isCaughtUp(news)) {
      if (news.kind === 'finished') this.#caughtUp += 1;
      return;
    }
    const schedule = scheduleOfRun(news.run);
    const left = this.#left.get(schedule);
    if (left === undefined) return;
    this.#tellCaughtUp();
    this.screen.line(`  ${this.#lineOf(news)}`);
    this.#left.set(schedule, left - 1);
    if (left === 1) this.#left.delete(schedule);
    if (this.#left.size === 0) this.onDone();
  }

  #tellCaughtUp(): void {
    if (this.#caughtUp === 0) return;
    this.screen.line(
      `  ${count(this.#caughtUp, 'run')} caught up with, due while nothing ran (up to 60 s back; the rest is in the ledger as missed)`,
    );
    this.#caughtUp = 0;
  }

  #lineOf({ tenant, run, kind }: RunNews): string {
    const at = clockTime(run.finishedAt ?? new Date());
    const what = `${at}  ${`${tenant}/${scheduleOfRun(run)}`.padEnd(15)}`;
    if (kind === 'retrying')
      return `${what}  attempt ${run.pastAttempts.length} failed; it will be tried again`;
    const result = run.attempt > 1 ? `${run.state} at attempt ${run.attempt}` : run.state;
    const where = run.replica === null ? '' : ` on ${this.nameOf(run.replica)}`;
    return `${what}  ${result}${where}${run.attempt === 1 ? latenessOf(run) : ''}`;
  }
}

function latenessOf({ dueAt, startedAt }: RunNews['run']): string {
  if (dueAt === null || startedAt === null) return '';
  return `, started ${duration(startedAt.getTime() - dueAt.getTime())} after it was due`;
}

function isCaughtUp({ run: { dueAt, startedAt, attempt } }: RunNews): boolean {
  return (
    dueAt !== null &&
    startedAt !== null &&
    attempt === 1 &&
    startedAt.getTime() - dueAt.getTime() > CAUGHT_UP_MS
  );
}
