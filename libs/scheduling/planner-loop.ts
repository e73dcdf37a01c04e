// When are due times turned into runs? The leader looks a little ahead and writes, in one transaction per
// batch, ledger rows, runs and each schedule's next due time. Looking ahead means that a leader may die
// and be replaced before anybody notices: the next runs are already there, with their owners.
import { randomUUIDv7 } from '#database/runtime/uuid.js';
import type { HintsLoop } from '#cluster/hints-loop.js';
import type { Leader, Leadership } from '#cluster/leadership.js';
import { asId } from '#kernel/ids.js';
import { UNTIL_WOKEN_MS, type Loop } from '#kernel/loop.js';
import { planSchedule, type Plan } from './decisions/planning.js';
import * as planning from './planning.repository.js';

export interface PlannerSettings {
  everyMs: number;
  lookAheadMs: number;
  catchUpMs: number;
}

export const DEFAULT_PLANNER_SETTINGS: PlannerSettings = {
  everyMs: 1_000,
  lookAheadMs: 10_000,
  catchUpMs: 60_000,
};

const SCHEDULES_PER_PASS = 500;
/** Keeps one schedule with a long absence behind it from filling a whole batch's transaction. */
const FIRES_PER_SCHEDULE = 500;
/** Runs due sooner than this don't wait for their owner's next look. */
const SOON_MS = 1_500;

type DuePlan = Plan & { schedule: planning.DueSchedule & { now: Date } };

export class PlannerLoop implements Loop {
  readonly name = 'planner';

  constructor(
    private readonly leadership: Leadership,
    private readonly hints: HintsLoop,
    private readonly settings: PlannerSettings,
  ) {}

  async runOnce(): Promise<number> {
    const leader = this.leadership.current();
    if (leader === null) return UNTIL_WOKEN_MS;
    const { lookAheadMs, catchUpMs, everyMs } = this.settings;
    const schedules = await planning.findDueSchedules(leader.incarnation.db, {
      lookAheadMs,
      limit: SCHEDULES_PER_PASS,
    });
    const plans = schedules
      .map((schedule) => ({
        schedule,
        ...planSchedule({ ...schedule, lookAheadMs, catchUpMs, limit: FIRES_PER_SCHEDULE }),
      }))
      .filter((plan) => plan.fires.length > 0);
    if (plans.length > 0) await this.#write(leader, plans);
    const more =
      schedules.length === SCHEDULES_PER_PASS ||
      plans.some((plan) => plan.fires.length === FIRES_PER_SCHEDULE);
    return more ? 0 : everyMs;
  }

  async #write(leader: Leader, plans: readonly DuePlan[]): Promise<void> {
    const result = await this.leadership.write(leader, async (tx) => {
      const advanced = await planning.advanceSchedules(
        tx,
        plans.map(({ schedule, nextDueAt }) => ({
          id: schedule.id,
          from: schedule.nextDueAt,
          to: nextDueAt,
          revision: schedule.revision,
        })),
      );
      const won = plans.filter((plan) => advanced.has(plan.schedule.id)).flatMap(firesOf);
      if (won.length === 0) return [];
      const runIds = await planning.insertFires(tx, {
        term: leader.term,
        fires: won.map(({ fire }) => fire),
      });
      const runs = won.flatMap(({ run }) => (run !== null && runIds.has(run.id) ? [run] : []));
      if (runs.length > 0) await planning.insertPlannedRuns(tx, runs);
      return runs;
    });
    if (result.kind !== 'done') return;
    const soonUntil = Math.max(...plans.map(({ schedule }) => schedule.now.getTime())) + SOON_MS;
    const soon = result.value.filter((run) => run.dueAt.getTime() < soonUntil);
    if (soon.length > 0) this.hints.send({ kind: 'work', slots: soon.map((run) => run.slot) });
  }
}

function firesOf({
  schedule,
  fires,
}: DuePlan): { fire: planning.NewFire; run: planning.PlannedRun | null }[] {
  const { id: scheduleId, tenantId, slot, jobType, payload } = schedule;
  return fires.map((planned) => {
    const runId = planned.outcome === 'planned' ? asId.run(randomUUIDv7()) : null;
    const run =
      runId === null
        ? null
        : { id: runId, tenantId, slot, jobType, scheduleId, payload, dueAt: planned.dueAt };
    return { fire: { ...planned, scheduleId, tenantId, runId }, run };
  });
}
