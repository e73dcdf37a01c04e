// What is the run doing? Said in plain lines, also where the output is piped and nothing can be drawn over: how many
// files there are and about how long they take, which project begins, every half minute how far it is, and in the end
// how long it took. Simulations run for minutes without a word, and a reader of a log would take them for hung.
import type { Reporter, TestCase, TestModule, TestSpecification } from 'vitest/node';

const SAY_EVERY_MS = 30_000;
/** Measured on two cores, for all files of a project; more cores help little, since two files run at once. */
const ABOUT_SECONDS: Readonly<Record<string, { seconds: number; files: number }>> = {
  unit: { seconds: 60, files: 122 },
  simulation: { seconds: 70, files: 3 },
  integration: { seconds: 400, files: 126 },
  'odd-database': { seconds: 100, files: 19 },
  cluster: { seconds: 120, files: 4 },
};

interface Project {
  readonly files: number;
  done: number;
  hasBegun: boolean;
}

export default class ProgressReporter implements Reporter {
  #projects = new Map<string, Project>();
  #under = new Set<string>();
  #ended = { passed: 0, failed: 0 };
  #startedMs = 0;
  #timer: NodeJS.Timeout | undefined;

  onTestRunStart(specifications: readonly TestSpecification[]): void {
    this.#startedMs = performance.now();
    for (const { project } of specifications) {
      const files = (this.#projects.get(project.name)?.files ?? 0) + 1;
      this.#projects.set(project.name, { files, done: 0, hasBegun: false });
    }
    const counts = [...this.#projects].map(([name, { files }]) => `${name} ${files}`).join(', ');
    say(
      `${specifications.length} files (${counts}), which takes about ${shown(this.#guessMs())} on two quiet cores`,
    );
    this.#timer = setInterval(() => this.#sayHowFar(), SAY_EVERY_MS).unref();
  }

  onTestModuleStart(module: TestModule): void {
    this.#under.add(module.relativeModuleId);
    const project = this.#projects.get(module.project.name);
    if (project === undefined || project.hasBegun) return;
    project.hasBegun = true;
    say(`${module.project.name} begins, ${project.files} files`);
  }

  onTestModuleEnd(module: TestModule): void {
    this.#under.delete(module.relativeModuleId);
    const project = this.#projects.get(module.project.name);
    if (project !== undefined) project.done += 1;
  }

  onTestCaseResult(test: TestCase): void {
    const { state } = test.result();
    if (state === 'passed' || state === 'failed') this.#ended[state] += 1;
  }

  onTestRunEnd(): void {
    clearInterval(this.#timer);
    say(`took ${shown(this.#passedMs())}`);
  }

  #passedMs(): number {
    return performance.now() - this.#startedMs;
  }

  /** Files of a project take about the same time, for want of better knowledge. */
  #guessMs(): number {
    const seconds = [...this.#projects].map(([name, { files }]) => {
      const about = ABOUT_SECONDS[name];
      return about === undefined ? 60 * files : (about.seconds * files) / about.files;
    });
    return 1_000 * seconds.reduce((sum, each) => sum + each, 0);
  }

  #sayHowFar(): void {
    const open = [...this.#projects].filter(([, { hasBegun, files, done }]) => hasBegun && done < files);
    const far = open.map(([name, { files, done }]) => `${name} ${done} of ${files} files`);
    const { passed, failed } = this.#ended;
    const counts = `${passed} passed, ${failed} failed so far`;
    say(
      [`${shown(this.#passedMs())} gone`, counts, ...far, `now ${[...this.#under].join(' and ')}`].join('; '),
    );
  }
}

function shown(ms: number): string {
  const seconds = Math.max(1, Math.round(ms / 1_000));
  return seconds < 90 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
}

function say(text: string): void {
  process.stdout.write(`tests: ${text}\n`);
}
