// Drives every loop of a replica; the only place that creates timers. They are kept in @nestjs/schedule's registry
// under the loop's name. A pass never overlaps the one before it. A wake-up during a pass means one more pass right
// after it. A pass that threw is retried later and later, so that an outage of the database costs neither the process
// nor the database anything.
import { Injectable } from '@nestjs/common';
import { SchedulerRegistry } from '@nestjs/schedule';
import { PinoLogger } from 'nestjs-pino';
import { isDatabaseError } from '#database/error-kind.js';
import { systemRandom } from '#database/runtime/system-clock.js';
import { outsideAttempts } from '#execution/runs/attempt-scope.js';
import { reconnectDelayMs } from '#kernel/backoff.js';
import { ASKED_SLEEP_MS, type Loop } from '#kernel/loop.js';
import { Topic } from '#kernel/topic.js';

interface Driven {
  readonly loop: Loop;
  state: 'resting' | 'running' | 'running-woken';
  isWokenSoon: boolean;
  /** Its last pass wants no other before it is asked for. */
  isAsleep: boolean;
  failures: number;
}

@Injectable()
export class LoopTimers {
  /** No pass begins any more. */
  readonly stopped = new Topic<void>();
  readonly #driven = new Map<string, Driven>();
  readonly #resting = new Set<() => void>();
  #stopped = false;

  constructor(
    private readonly registry: SchedulerRegistry,
    private readonly logger: PinoLogger,
  ) {}

  /** Starts driving the loop with a pass at once. */
  drive(loop: Loop): void {
    this.#driven.set(loop.name, { loop, state: 'resting', isWokenSoon: false, isAsleep: false, failures: 0 });
    this.wake(loop);
  }

  /** The next pass starts now, or right after the one that is under way. */
  wake({ name }: Pick<Loop, 'name'>): void {
    const driven = this.#driven.get(name);
    if (driven === undefined || this.#stopped) return;
    if (driven.state !== 'resting') driven.state = 'running-woken';
    // After a failure the back-off stands, or a flood of wake-ups would hammer a database that is down. An attempt may
    // wake a loop, but the loop's work does not belong to that attempt.
    else if (driven.failures === 0) outsideAttempts(() => void this.#pass(driven));
  }

  /**
   * Like wake, but once all events that have arrived by now are handled. For events that come in crowds: two hundred
   * ends of one turn make one pass and not two hundred.
   */
  wakeSoon(loop: Pick<Loop, 'name'>): void {
    const driven = this.#driven.get(loop.name);
    if (driven === undefined || driven.isWokenSoon) return;
    driven.isWokenSoon = true;
    const wake = (): void => {
      driven.isWokenSoon = false;
      this.wake(loop);
    };
    outsideAttempts(() => void setImmediate(wake));
  }

  /** Like wake, but leaves a loop alone that is under way, or has work and rests from it. */
  wakeAsleep(loop: Pick<Loop, 'name'>): void {
    const driven = this.#driven.get(loop.name);
    if (driven?.state === 'resting' && driven.isAsleep) this.wake(loop);
  }

  /** Resolves after the delay, or when everything stops. */
  async rest(name: string, ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const wakeUp = (): void => {
        this.#resting.delete(wakeUp);
        resolve();
      };
      this.#resting.add(wakeUp);
      this.#arm(name, ms, wakeUp);
    });
  }

  /** No pass begins any more. */
  stop(): void {
    this.#stopped = true;
    for (const name of this.registry.getTimeouts()) this.registry.deleteTimeout(name);
    for (const resolve of this.#resting) resolve();
    this.stopped.publish();
  }

  async #pass(driven: Driven): Promise<void> {
    const { name } = driven.loop;
    this.#disarm(name);
    driven.state = 'running';
    const delayMs = await this.#runOnce(driven);
    if (this.#stopped) return;
    // A wake-up may have changed `state` meanwhile, which the compiler does not see.
    const woken = (driven.state as Driven['state']) === 'running-woken';
    driven.state = 'resting';
    driven.isAsleep = delayMs >= ASKED_SLEEP_MS;
    if (woken && driven.failures === 0) void this.#pass(driven);
    else this.#arm(name, delayMs, () => void this.#pass(driven));
  }

  async #runOnce(driven: Driven): Promise<number> {
    try {
      const delayMs = await driven.loop.runOnce();
      driven.failures = 0;
      return delayMs;
    } catch (error) {
      driven.failures += 1;
      const level = isDatabaseError(error) ? 'warn' : 'error';
      this.logger[level](
        { err: error, loop: driven.loop.name, failures: driven.failures },
        'a pass failed; trying again',
      );
      return reconnectDelayMs({ attempt: driven.failures, random: systemRandom });
    }
  }

  #arm(name: string, ms: number, act: () => void): void {
    this.#disarm(name);
    if (this.#stopped) return act();
    const timer = setTimeout(() => {
      this.#disarm(name);
      act();
    }, Math.ceil(ms));
    this.registry.addTimeout(name, timer);
  }

  #disarm(name: string): void {
    if (this.registry.doesExist('timeout', name)) this.registry.deleteTimeout(name);
  }
}
