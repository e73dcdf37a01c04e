// Tells the API which schedules the worker's jobs define, at its start and again and again: a minute after the last time a
// schedule counts as removed from code. What the API refuses is told once, and the worker works on runs all the same.
import type { JobDefinition } from '#client/jobs/job-definition.js';
import { wireSchedule } from '#client/jobs/job-schedules.js';
import { CallFailed, rest, type CallWorkerApi } from './worker-calls.js';

interface Options {
  call: CallWorkerApi;
  tenant: string;
  definitions: readonly JobDefinition<unknown>[];
  onError: (error: Error) => void;
}

interface Answer {
  againSeconds: number;
  refused: readonly { schedule: string; detail: string }[];
}

const AGAIN_SECONDS = 20;
/** For a call to which no replica gave an answer: one that has just died is replaced in seconds. */
const SOON_SECONDS = 2;
/** As long as that lasts it is told to no one: the definitions are still known to the API, for a minute. */
const UNANSWERED_MAX = 10;

export class DefinedSchedules {
  readonly #options: Options;
  readonly #body: { jobTypes: { name: string; schedules: object[] }[] };
  #told = '';
  #unanswered = 0;

  constructor(options: Options) {
    this.#options = options;
    this.#body = {
      jobTypes: options.definitions.map(({ name, schedules = [] }) => ({
        name,
        schedules: schedules
          .filter(({ tenants }) => tenants === undefined || tenants.includes(options.tenant))
          .map(wireSchedule),
      })),
    };
  }

  /** Until the signal is aborted. Never rejects. */
  async keepTelling(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) await rest((await this.runOnce(signal)) * 1_000, signal);
  }

  /** Resolves with the seconds until the next time. */
  async runOnce(signal: AbortSignal): Promise<number> {
    try {
      const { againSeconds = AGAIN_SECONDS, refused = [] } = await this.#options.call<Partial<Answer>>({
        path: 'schedules:define',
        body: this.#body,
        signal,
      });
      this.#unanswered = 0;
      this.#report(refused.map(({ schedule, detail }) => `${schedule}: ${detail}`).join('; '));
      return againSeconds;
    } catch (error) {
      if (signal.aborted || this.#isUnknown(error)) return AGAIN_SECONDS;
      if (error instanceof CallFailed && error.isTransient && (this.#unanswered += 1) <= UNANSWERED_MAX)
        return SOON_SECONDS;
      this.#report(this.#named((error as Error).message));
      return AGAIN_SECONDS;
    }
  }

  /** A replica of an older version does not know this call. */
  #isUnknown(error: unknown): boolean {
    return error instanceof CallFailed && (error.status === 404 || error.status === 405);
  }

  #report(text: string): void {
    if (text === this.#told) return;
    this.#told = text;
    if (text === '') return;
    this.#options.onError(new Error(`schedules from code could not be made or changed: ${text}`));
  }

  /** With the names of the job and the schedule in the place of their numbers. */
  #named(detail: string): string {
    return detail.replaceAll(/\/jobTypes\/(\d+)\/schedules\/(\d+)/g, (place, job: string, index: string) => {
      const { name, schedules } = this.#body.jobTypes[Number(job)] ?? { name: '', schedules: [] };
      const schedule = schedules[Number(index)];
      return schedule === undefined ? place : `schedule ${Reflect.get(schedule, 'name')} of job ${name}: `;
    });
  }
}
