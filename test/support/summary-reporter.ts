// How did the whole run end, in one line? `N passed, N failed`, and `, N skipped` where there are any, as the
// very last line, so that a person and a script find it in the same place. Vitest's own summary counts tests
// only: a file that does not load, a hook that throws or an error outside any test is missing from its count.
// Here each of these counts as a failure, and so does a run without tests. The line is written as the process
// exits, because other reporters and global teardowns still print after the run's end.
import type { Reporter, TestModule, TestSuite } from 'vitest/node';

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

const NOTHING: Counts = { passed: 0, failed: 0, skipped: 0 };

export default class SummaryReporter implements Reporter {
  #counts = NOTHING;

  onInit(): void {
    process.once('exit', (exitCode) => {
      process.stdout.write(`${summaryLine(this.#counts, exitCode)}\n`);
    });
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const outside = { ...NOTHING, failed: unhandledErrors.length };
    this.#counts = modules.map(countModule).reduce(add, outside);
    const { passed, failed, skipped } = this.#counts;
    if (failed > 0 || passed + skipped === 0) process.exitCode = 1;
  }
}

/** Never says `0 failed` of a run that failed for a reason no reporter was told, a broken global setup for one. */
function summaryLine({ passed, failed, skipped }: Counts, exitCode: number): string {
  const noTests = passed + failed + skipped === 0;
  const failedAtLeast = exitCode !== 0 || noTests ? Math.max(failed, 1) : failed;
  return `${passed} passed, ${failedAtLeast} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

function countModule(module: TestModule): Counts {
  const counts = [NOTHING, brokenItself(module)];
  for (const suite of module.children.allSuites()) counts.push(brokenItself(suite));
  for (const test of module.children.allTests()) {
    const { state } = test.result();
    counts.push({
      passed: Number(state === 'passed'),
      // A test that is still pending when the run ends was cut off, and proved nothing.
      failed: Number(state === 'failed' || state === 'pending'),
      skipped: Number(state === 'skipped'),
    });
  }
  return counts.reduce(add);
}

/** The errors of a module or suite are its own: those of its tests are not among them. */
function brokenItself(part: TestModule | TestSuite): Counts {
  return { ...NOTHING, failed: Number(part.errors().length > 0) };
}

function add(a: Counts, b: Counts): Counts {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped };
}
