// Does a tenant that crowds the planner delay the others (I9)? While a due time of another tenant could be planned, no
// more than a few passes' worth of the crowd's may be planned before it: in each term one full pass for each crowder,
// until it is known for one, and a few rounds of the crowd's part. Lateness itself proves nothing here, since accidents
// keep all tenants waiting. What has a limit of waiting runs waits for that, and a tenant that has as many due times
// itself as would make it a crowder has its turns with the crowd.
import type { Crowd } from './crowd.js';
import type { ModelDatabase, ScheduleRow } from './model-database.js';
import type { Act, Transaction } from './transaction.js';
import type { World } from './world.js';

/** One that had begun before the due time could be planned, and two in which all the others' do not fit or are changed. */
const ROUNDS_MAX = 3;
/** A crowder is remembered for 10 s, by clocks that differ a little in rate. */
const REMEMBERED_MS = 11_000;
/** As the planner divides a round. */
const PARTS_MAX = 4;

export class CrowdedTurns {
  /** By schedule: how many due times of the crowd were planned since its next one could be. */
  readonly #passedBy = new Map<string, { dueMs: number; count: number }>();
  readonly #crowdingUntilMs = new Map<string, number>();
  readonly #boundOfCrowd: number;

  constructor(
    private readonly world: World,
    private readonly db: ModelDatabase,
    private readonly crowd: Crowd | null,
  ) {
    this.#boundOfCrowd = crowd === null ? 0 : boundOf(crowd);
  }

  /** Called as the transaction commits; `get` without a transaction still shows the rows from before. */
  judge(tx: Transaction): void {
    if (this.crowd === null) return;
    if (tx.acts.some(({ kind }) => kind === 'begin-term')) this.#passedBy.clear();
    const planned = tx.acts.filter(
      (act): act is Act & { kind: 'plan' } => act.kind === 'plan' && act.run !== null,
    );
    if (planned.length === 0) return;
    const others = this.db.schedule
      .rows()
      .filter(({ tenantId }) => this.crowd?.tenants.has(tenantId) === false);
    this.#noteCrowding(others);
    const ofOthers = new Set(others.map(({ id }) => id));
    const ofCrowd = planned.filter(({ schedule }) => !ofOthers.has(schedule)).length;
    for (const row of others) this.#judgeSchedule(row, { ofCrowd, after: this.db.schedule.get(row.id, tx) });
  }

  #judgeSchedule(row: ScheduleRow, { ofCrowd, after }: { ofCrowd: number; after: ScheduleRow | null }): void {
    const { id, nextDueMs } = row;
    if (nextDueMs === null || nextDueMs !== after?.nextDueMs || !this.#waits(row)) {
      this.#passedBy.delete(id);
      return;
    }
    const before = this.#passedBy.get(id);
    const count = ofCrowd + (before?.dueMs === nextDueMs ? before.count : 0);
    this.#passedBy.set(id, { dueMs: nextDueMs, count });
    if (count <= this.#boundOfCrowd) return;
    const story = `${count} due times of those that crowd the planner were planned before ${id}, which is due at ${nextDueMs}, allowed are ${this.#boundOfCrowd}`;
    this.world.violate('I9: the crowd comes last', story);
  }

  #waits(row: ScheduleRow): boolean {
    return (
      row.state === 'active' &&
      this.#plannableOf(row) > 0 &&
      this.db.tenant.get(row.tenantId)?.limits.maxQueued === undefined &&
      (this.#crowdingUntilMs.get(row.tenantId) ?? 0) <= this.world.nowMs
    );
  }

  #noteCrowding(rows: readonly ScheduleRow[]): void {
    for (const [tenantId, ofTenant] of Map.groupBy(rows, (row) => row.tenantId)) {
      const plannable = ofTenant.reduce((sum, row) => sum + this.#plannableOf(row), 0);
      if (plannable >= (this.crowd?.limits.crowdersFrom ?? 0))
        this.#crowdingUntilMs.set(tenantId, this.world.nowMs + REMEMBERED_MS);
    }
  }

  /** How many due times of the schedule a pass would find. */
  #plannableOf({ spec, nextDueMs }: ScheduleRow): number {
    const untilMs = this.world.server.wallMs() + (this.crowd?.settings.lookAheadMs ?? 0);
    if (nextDueMs === null || nextDueMs > untilMs) return 0;
    const { seconds } = JSON.parse(spec) as { seconds: number };
    return Math.floor((untilMs - nextDueMs) / (seconds * 1_000)) + 1;
  }
}

function boundOf({ tenants, limits, settings, periodMs }: Crowd): number {
  // The last schedule of a pass may take it over its size.
  const atOnce = Math.ceil((settings.graceMs + settings.lookAheadMs) / periodMs);
  const round = limits.firesOfCrowd + Math.min(PARTS_MAX, tenants.size) * atOnce;
  return tenants.size * (limits.fires + atOnce) + ROUNDS_MAX * round;
}
