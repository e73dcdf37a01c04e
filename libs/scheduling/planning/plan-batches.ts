// Divides plans into batches of so many fires. A batch is made when a writer is free for it: a decision about a
// schedule must not grow old in a queue.
import { randomUUIDv7 } from '#database/runtime/uuid.js';
import { asId } from '#kernel/ids.js';
import type { Plan } from '#scheduling/decisions/planning.js';
import type { DueSchedule, WrittenPlan } from './planning.repository.js';

export class PlanBatches {
  readonly #schedules: DueSchedule[];
  #taken = 0;

  constructor(
    schedules: readonly DueSchedule[],
    private readonly options: { firesPerBatch: number; plan: (schedule: DueSchedule) => Plan | null },
  ) {
    // Ordered by id: neighbours in an index are written together, which saves a fifth of the time, and all transactions
    // that lock many schedules lock them in the same order.
    this.#schedules = schedules.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** Empty when there are no more. The last schedule of a batch may take it over its size. */
  next(): WrittenPlan[] {
    const batch: WrittenPlan[] = [];
    let fires = 0;
    while (fires < this.options.firesPerBatch) {
      const schedule = this.#schedules[this.#taken];
      if (schedule === undefined) break;
      this.#taken += 1;
      const plan = this.options.plan(schedule);
      if (plan === null) continue;
      const size = plan.fires.length + (plan.gap === null ? 0 : 1);
      fires += size;
      if (size > 0) batch.push({ schedule, ...withRuns(plan) });
    }
    return batch;
  }
}

function withRuns({ fires, ...plan }: Plan): Omit<WrittenPlan, 'schedule'> {
  return {
    ...plan,
    fires: fires.map((fire) => ({
      ...fire,
      runId: fire.outcome === 'planned' ? asId.run(randomUUIDv7()) : null,
    })),
  };
}
