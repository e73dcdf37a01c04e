// What really ran, when and where? Written down by the handlers themselves, outside of the system: starts
// before their time (I6), and one run in two living replicas at once, show here and nowhere else.
import type { JobContext } from '#client/jobs/job-definition.js';
import { FatalError, snooze } from '#client/jobs/outcomes.js';
import type { Actor } from './actor.js';
import type { Invariants } from './invariants.js';
import { isLive, type ModelDatabase } from './model-database.js';
import type { Locking } from './lock-promises.js';
import type { Limited } from './limits.js';
import type { World } from './world.js';

/** What a run asks of its handler; the same for each attempt. */
export interface Work {
  ms: number;
  failures: number;
  /** It goes on although its signal tells it to stop. */
  deaf: boolean;
  /** Its first attempt puts it off by so much; null for what does not. */
  snoozeMs: number | null;
  /** It logs and tells of its progress. */
  talks: boolean;
  /** Its first attempt fails it for good. */
  isFatal?: boolean;
}

interface Execution {
  actor: Actor;
  replica: number;
  runId: string;
  attempt: number;
  tokens: JobContext['locks'];
  /** Null when it runs although its row is gone. */
  run: Locking['run'] | null;
  isOver: boolean;
}

export class Executions {
  started = 0;
  readonly #ofRun = new Map<string, Execution[]>();
  #executing: Execution[] = [];

  constructor(
    private readonly world: World,
    private readonly db: ModelDatabase,
    private readonly invariants: Invariants,
  ) {
    invariants.locks.executing = () => this.#withLocks();
  }

  /** Resolves or rejects like a handler. Called on stage, when its replica believes that it is `now`. */
  execute(
    { actor, replica, now }: { actor: Actor; replica: number; now: Date },
    work: Work,
    context: JobContext,
  ): Promise<string> {
    const { runId, attempt, signal } = context;
    this.started += 1;
    this.world.say(() => `${actor.name} starts attempt ${attempt} of ${runId}`);
    const run = this.db.run.get(runId);
    const tokens = context.locks;
    const execution: Execution = { actor, replica, runId, attempt, tokens, run, isOver: false };
    this.#judgeStart(runId, execution);
    this.judgeDeadline(runId, now);
    const ofRun = this.#ofRun.get(runId);
    if (ofRun === undefined) this.#ofRun.set(runId, [execution]);
    else ofRun.push(execution);
    this.#executing.push(execution);
    this.#judgeLimits(execution);
    if (run !== null) {
      this.invariants.locks.judgeStart({ ...execution, run });
      const dueAtMs = this.invariants.dueAtMs(runId, attempt, replica);
      this.invariants.strict.judgeStart(run, { attempt, replica, dueAtMs });
    }
    if (work.talks) {
      context.log.info('it starts');
      context.progress(0.5);
    }
    return new Promise((resolve, reject) => {
      this.world.timer(actor, work.ms, () => {
        execution.isOver = true;
        if (work.talks) context.log.info('it ends');
        if (attempt === 1 && work.snoozeMs !== null) reject(snooze(work.snoozeMs / 1_000));
        else if (attempt === 1 && work.isFatal === true) reject(new FatalError('this run fails'));
        else if (attempt <= work.failures) reject(new Error('this attempt fails'));
        else resolve('done');
      });
      signal.addEventListener('abort', () => {
        execution.isOver = true;
        if (!work.deaf) reject(signal.reason as Error); // every abort gives an Error as the reason
      });
    });
  }

  /** A replica starts an attempt. */
  noteStart(replica: number, run: Limited & { losses: number }): void {
    if (run.losses === 0 && isLive(this.db.replica.get(replica))) this.invariants.limits.judgeRate(run);
  }

  /** Judged by the clock of the replica that starts it, which is all that it can know. */
  judgeDeadline(run: string, now: Date): void {
    const deadlineMs = this.db.run.get(run)?.deadlineMs ?? null;
    if (deadlineMs === null || deadlineMs > now.getTime()) return;
    const story = `${run} starts ${Math.round(now.getTime() - deadlineMs)} ms after its deadline`;
    this.world.violate('nothing starts after its deadline', story);
  }

  /** What executes, as far as it does not know that it should not. */
  #withLocks(): Locking[] {
    return this.#executing.flatMap((each) =>
      each.run === null || each.isOver || each.actor.isGone || !isLive(this.db.replica.get(each.replica))
        ? []
        : { ...each, run: each.run },
    );
  }

  /** Judged with what executes anywhere (I7); see limits.ts. */
  #judgeLimits({ run, replica }: Execution): void {
    this.#executing = this.#executing.filter(({ isOver, actor }) => !isOver && !actor.isGone);
    if (run === null || !isLive(this.db.replica.get(replica))) return;
    const counted = this.#executing.filter((other) => isLive(this.db.replica.get(other.replica)));
    this.invariants.limits.judgeConcurrency(
      run,
      counted.flatMap((other) => (other.run === null ? [] : [other.run])),
    );
  }

  #judgeStart(run: string, { actor, replica, attempt }: Execution): void {
    const dueAtMs = this.invariants.dueAtMs(run, attempt, replica);
    // Clocks differ in rate by a thousandth, and no wait is longer than a few seconds.
    if (dueAtMs !== undefined && this.world.nowMs < dueAtMs - 5) {
      this.world.violate('I6', `${run} starts ${Math.round(dueAtMs - this.world.nowMs)} ms before it is due`);
    }
    const ended = this.invariants.endedUnheld(run);
    if (ended !== undefined && isLive(this.db.replica.get(replica)))
      this.world.violate('what is over never starts', `${run} starts in ${actor.name}, but it is ${ended}`);
    if (this.invariants.wasUnwanted(run, attempt, replica))
      this.world.violate(
        'what is over never starts',
        `${run} starts in ${actor.name}, although it was to be cancelled when it was claimed`,
      );
    const row = this.db.run.get(run);
    if (row?.attempt !== attempt && isLive(this.db.replica.get(replica)) && !isHindered(actor)) {
      const now = row === null ? 'is gone' : `is at attempt ${row.attempt}`;
      this.world.violate(
        'only what is there runs',
        `attempt ${attempt} of ${run} starts in ${actor.name}, but the run ${now}`,
      );
    }
    for (const other of this.#ofRun.get(run) ?? []) {
      if (other.isOver || other.actor === actor || isHindered(other.actor) || isHindered(actor)) continue;
      if (!isLive(this.db.replica.get(other.replica)) || !isLive(this.db.replica.get(replica))) continue;
      this.world.violate(
        'one replica a run',
        `${run} runs in ${other.actor.name} and starts in ${actor.name}, both alive and awake`,
      );
    }
    const again = this.#ofRun.get(run)?.find((other) => other.attempt === attempt);
    if (again !== undefined) {
      const story = `attempt ${attempt} of ${run} ran in ${again.actor.name} and starts again in ${actor.name}`;
      this.world.violate('an attempt starts once', story);
    }
  }
}

function isHindered(actor: Actor): boolean {
  return actor.isGone || actor.isFrozen || actor.isCutOff || actor.slowness > 1;
}
