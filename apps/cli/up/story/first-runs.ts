// Which runs are shown? At first a few of each schedule, as they happen, since the one that fires each second would
// hide the others; then none. Runs that were due while nothing ran come first after a start, and one line reports
// them. Runs that the person makes are always shown, within reason.
import { scheduleOfRun } from './demo.js';
import type { RunNews } from './finished-runs.js';
import { clockTime, count, duration, fit } from '../terminal/phrases.js';
import type { Screen } from '../terminal/screen.js';

/** Lines to show for each schedule; the retry of `flaky` takes two. */
const SHOWN_MAX: Readonly<Record<string, number>> = { heartbeat: 3, notify: 2, report: 1, flaky: 2 };
const OWN_SHOWN_MAX = 20;
const REASON_LENGTH_MAX = 60;
/** Most runs that were due while nothing ran have finished by then. */
const CAUGHT_UP_AFTER_MS = 1_500;

interface FirstRunsOptions {
  readonly screen: Screen;
  /** Due times before this were due while nothing ran. */
  readonly since: Date;
  readonly nameOf: (replica: number) => string;
}

export class FirstRuns {
  readonly #left = new Map(Object.entries(SHOWN_MAX));
  #ownLeft = OWN_SHOWN_MAX;
  #caughtUp = 0;
  #hasToldCaughtUp = false;
  #isQuiet = false;

  constructor(private readonly options: FirstRunsOptions) {}

  get isQuiet(): boolean {
    return this.#isQuiet;
  }

  show(news: RunNews): void {
    if (news.run.scheduleId === null) this.#showOwn(news);
    else if (!this.#isQuiet) this.#showScheduled(news);
  }

  getQuiet(): void {
    if (this.#isQuiet) return;
    this.#isQuiet = true;
    this.options.screen.line('  From here on they are only counted.');
  }

  #showOwn(news: RunNews): void {
    if (this.#ownLeft === 0) return;
    this.#ownLeft -= 1;
    this.options.screen.line(`  ${lineOf(news, this.options.nameOf)} (not by a schedule)`);
    if (this.#ownLeft === 0) this.options.screen.line('  Further runs of your own are only counted.');
  }

  #showScheduled(news: RunNews): void {
    const { run, kind } = news;
    if (run.dueAt !== null && run.dueAt < this.options.since) {
      if (kind === 'finished') this.#caughtUp += 1;
      return;
    }
    this.#tellCaughtUp(run);
    const schedule = scheduleOfRun(run);
    const left = this.#left.get(schedule) ?? 0;
    if (left === 0) return;
    this.options.screen.line(`  ${lineOf(news, this.options.nameOf)}`);
    this.#left.set(schedule, left - 1);
    if ([...this.#left.values()].every((lines) => lines === 0)) this.getQuiet();
  }

  #tellCaughtUp({ finishedAt }: RunNews['run']): void {
    const { screen, since } = this.options;
    const isTime = finishedAt !== null && finishedAt.getTime() - since.getTime() > CAUGHT_UP_AFTER_MS;
    if (!isTime || this.#caughtUp === 0 || this.#hasToldCaughtUp) return;
    this.#hasToldCaughtUp = true;
    const runs = count(this.#caughtUp, 'run');
    screen.line(`  (so far ${runs} made up for, due before this start)`);
  }
}

function lineOf({ tenant, run, kind }: RunNews, nameOf: (replica: number) => string): string {
  const what = `${tenant}/${scheduleOfRun(run)}`.padEnd(15);
  if (kind === 'retrying') {
    const { attempt, finishedAt, error } = run.pastAttempts.at(-1) ?? { attempt: run.attempt };
    const why = error ? ` (${fit(error.message, REASON_LENGTH_MAX)})` : '';
    return `${clockTime(finishedAt ?? new Date())}  ${what}  attempt ${attempt} failed${why}; it will be tried again`;
  }
  const result = run.attempt > 1 ? `${run.state} at attempt ${run.attempt}` : run.state;
  const where = run.replica === null ? '' : ` on ${nameOf(run.replica)}`;
  const lateness = run.attempt === 1 ? latenessOf(run) : '';
  return `${clockTime(run.finishedAt ?? new Date())}  ${what}  ${result}${where}${lateness}`;
}

function latenessOf({ dueAt, startedAt }: RunNews['run']): string {
  if (dueAt === null || startedAt === null) return '';
  return `, started ${duration(startedAt.getTime() - dueAt.getTime())} after it was due`;
}
