// How did the whole run end, in one line? `N passed, N failed`, and `, N skipped` where there are any, as the
// very last line, so that a person and a script find it in the same place. Vitest's own summary counts tests
// only: a file that does not load, a hook that throws or an error outside any test is missing from its count.
// Here each of these counts as a failure, and so does a run without tests. The line is written as the process
// exits, because other reporters and global teardowns still print after the run's end. A run that is interrupted ends
// with what had been found out by then, `, N tests and N files not run`, and the exit code of the signal: what workers
// report while they are being ended says nothing about the product.
import { constants } from 'node:os';
import type { Reporter, TestCase, TestModule, TestSpecification, TestSuite, Vitest } from 'vitest/node';

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

const NOTHING: Counts = { passed: 0, failed: 0, skipped: 0 };
/** For what is made beside the tests to be removed: servers, databases, folders. */
const TEARDOWN_MS_MAX = 20_000;

export default class SummaryReporter implements Reporter {
  #counts = NOTHING;
  /** Of single tests, while they run. */
  #soFar = NOTHING;
  #known = 0;
  #files = 0;
  #filesBegun = 0;
  #signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP' | null = null;

  onInit(vitest: Pick<Vitest, 'cancelCurrentRun'>): void {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.on(signal, () => {
        if (this.#signal !== null) process.exit();
        this.#signal = signal;
        void vitest.cancelCurrentRun('keyboard-input');
        setTimeout(() => process.exit(), TEARDOWN_MS_MAX).unref();
      });
    process.once('exit', (exitCode) => {
      process.stdout.write(`${this.#lastLine(exitCode)}\n`);
      if (this.#signal !== null) process.exitCode = 128 + constants.signals[this.#signal];
    });
  }

  onTestRunStart(specifications: readonly TestSpecification[]): void {
    this.#files = specifications.length;
  }

  onTestModuleCollected(module: TestModule): void {
    if (this.#signal !== null) return;
    this.#filesBegun += 1;
    this.#known += [...module.children.allTests()].length;
  }

  onTestCaseResult(test: TestCase): void {
    if (this.#signal === null) this.#soFar = add(this.#soFar, countTest(test));
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    if (this.#signal !== null) return;
    const outside = { ...NOTHING, failed: unhandledErrors.length };
    this.#counts = modules.map(countModule).reduce(add, outside);
    const { passed, failed, skipped } = this.#counts;
    if (failed > 0 || passed + skipped === 0) process.exitCode = 1;
  }

  #lastLine(exitCode: number): string {
    if (this.#signal === null) return summaryLine(this.#counts, exitCode);
    const { passed, failed, skipped } = this.#soFar;
    const tests = this.#known - passed - failed - skipped;
    return `${passed} passed, ${failed} failed${skippedToo(skipped)}, ${tests} tests and ${this.#files - this.#filesBegun} files not run`;
  }
}

/** Never says `0 failed` of a run that failed for a reason no reporter was told, a broken global setup for one. */
function summaryLine({ passed, failed, skipped }: Counts, exitCode: number): string {
  const noTests = passed + failed + skipped === 0;
  const failedAtLeast = exitCode !== 0 || noTests ? Math.max(failed, 1) : failed;
  return `${passed} passed, ${failedAtLeast} failed${skippedToo(skipped)}`;
}

const skippedToo = (skipped: number): string => (skipped > 0 ? `, ${skipped} skipped` : '');

function countModule(module: TestModule): Counts {
  const counts = [NOTHING, brokenItself(module)];
  for (const suite of module.children.allSuites()) counts.push(brokenItself(suite));
  for (const test of module.children.allTests()) counts.push(countTest(test));
  return counts.reduce(add);
}

function countTest(test: TestCase): Counts {
  const { state } = test.result();
  return {
    passed: Number(state === 'passed'),
    // A test that is still pending when the run ends was cut off, and proved nothing.
    failed: Number(state === 'failed' || state === 'pending'),
    skipped: Number(state === 'skipped'),
  };
}

/** The errors of a module or suite are its own: those of its tests are not among them. */
function brokenItself(part: TestModule | TestSuite): Counts {
  return { ...NOTHING, failed: Number(part.errors().length > 0) };
}

function add(a: Counts, b: Counts): Counts {
  return { passed: a.passed + b.passed, failed: a.failed + b.failed, skipped: a.skipped + b.skipped };
}
