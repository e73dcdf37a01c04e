// When are due times turned into runs? The leader looks a little ahead and writes, in one transaction per batch, fires,
// runs and each schedule's next due time. Looking ahead means that a leader may die and be replaced before any run is
// late: the next runs are already there, with their owners. Present due times come first. Of those that passed in an
// outage, a few are caught up on; the others are only recorded as gaps, which the gap loop decides behind the present.
// Where one pass can't write all that is due, tenants that crowd it are planned behind the others, in small portions (I9).
import { HINTED_AHEAD_MS, type HintsLoop } from '#cluster/hints/hints-loop.js';
import type { Leader, Leadership } from '#cluster/leadership/leadership.js';
import type { Clock } from '#kernel/clock.js';
import type { ScheduleId, Term } from '#kernel/ids.js';
import { SLEEP_MS, type Loop } from '#kernel/loop.js';
import { Topic } from '#kernel/topic.js';
import { isInstant } from '#scheduling/decisions/due-times.js';
import { furtherMs, largestRush, lookAhead } from '#scheduling/planning/decisions/look-ahead.js';
import { plannedBy } from '#scheduling/decisions/kinds/following.js';
import { planSchedule, type Plan } from '#scheduling/decisions/planning.js';
import { Crowd } from './crowd.js';
import { leaveGaps } from './gap.repository.js';
import { LimitedPlans } from './limited-plans.js';
import { PlanBatches } from './plan-batches.js';
import type { PlannerSettings } from './planner-settings.js';
import * as planning from './planning.repository.js';
import { SetAside } from './set-aside.js';
import { TenantPlaces } from './tenant-places.js';
import { placedOf } from '#scheduling/following/following.repository.js';
import { parseCatchUp } from '#scheduling/stored-catch-up.js';
import { parseSpec } from '#scheduling/stored-spec.js';

/** More due times than a schedule of each second has in the grace and the longest look ahead. */
const FIRES_PER_SCHEDULE = 500;
/** While one batch is prepared or becomes durable, the other is written. More would take sessions from claims and ends. */
const BATCHES_AT_ONCE = 2;

interface Pass {
  lookAheadMs: number;
  tenants: planning.DueQuery['tenants'];
  firesMax: number;
}

export class PlannerLoop implements Loop {
  readonly name = 'planner';
  /** Due times were left for the gap loop. */
  readonly gapsLeft = new Topic<void>();
  readonly setAside: SetAside<ScheduleId>;
  readonly #places: TenantPlaces;
  /** The term whose last pass was written as it was counted; null when it failed. */
  #countedIn: Term | null = null;
  readonly #crowd: Crowd;
  #ahead = { size: 0, countedAtMs: Number.NEGATIVE_INFINITY };

  constructor(
    private readonly leadership: Leadership,
    private readonly hints: HintsLoop,
    private readonly options: { settings: PlannerSettings; clock: Clock },
  ) {
    this.setAside = new SetAside(options.clock);
    this.#places = new TenantPlaces(options.clock);
    this.#crowd = new Crowd(options.clock, options.settings.pass);
  }

  async runOnce(): Promise<number> {
    const { settings } = this.options;
    const leader = this.leadership.current();
    if (leader === null) return SLEEP_MS;
    // Between two terms of one leader another one has planned, and the places of a failed pass were perhaps never
    // taken.
    if (this.#countedIn !== leader.term) this.#places.forget();
    this.#countedIn = null;
    const lookAheadMs = await this.#lookAheadMs(leader);
    const crowders = this.#crowd.tenants();
    const round = this.#crowd.nextRound();
    const tenants = crowders.length === 0 ? null : { but: crowders };
    let isMore = await this.#pass(leader, { lookAheadMs, tenants, firesMax: settings.pass.fires });
    for (const part of round) {
      const ofCrowd = { lookAheadMs, tenants: { only: part.tenants }, firesMax: part.firesMax };
      isMore = (await this.#pass(leader, ofCrowd)) || isMore;
    }
    this.#countedIn = leader.term;
    return isMore ? 0 : settings.everyMs;
  }

  /** Plans what is due, up to so many fires. True when more is due now. */
  async #pass(leader: Leader, { lookAheadMs, tenants, firesMax }: Pass): Promise<boolean> {
    const { graceMs, pass, furtherMaxMs } = this.options.settings;
    const { db } = leader.incarnation;
    // Each has a due time at least.
    const [limit, pastLimit] = [Math.min(pass.schedules, firesMax), Math.min(pass.past, firesMax)];
    const { now, present, past } = await planning.findDueSchedules(db, {
      lookAheadMs,
      graceMs,
      limit,
      pastLimit,
      except: this.setAside.ids(),
      full: this.#places.full(),
      tenants,
    });
    const found = [...past, ...present];
    const placed = await placedOf(db, found.filter(hasPlaced));
    const aheadMs = lookAheadMs + furtherMs({ schedules: found.length, firesMax, furtherMaxMs });
    let isCut = false;
    const planOne = (schedule: planning.DueSchedule): Plan | null => {
      // A run that waits takes one of its tenant's places, so where they are limited none comes sooner than it must.
      const ahead = schedule.maxQueued === null ? aheadMs : lookAheadMs;
      const made = this.setAside.try(schedule.id, () =>
        planOf(schedule, { now, lookAheadMs: ahead, graceMs, placed }),
      );
      isCut ||= (made?.fires.length ?? 0) >= FIRES_PER_SCHEDULE;
      return made;
    };
    await this.#places.count(db, found);
    const { clock } = this.options;
    const limited = new LimitedPlans(found, { places: this.#places, now, plan: planOne, clock });
    const plan = (schedule: planning.DueSchedule): Plan | null =>
      schedule.maxQueued === null ? planOne(schedule) : limited.of(schedule);
    let isFull = false;
    for (const [schedules, max] of [
      [present, limit],
      [past, pastLimit],
    ] as const) {
      const { firesPerBatch } = pass;
      const batches = new PlanBatches(schedules, { firesPerBatch, firesMax, plan, clock });
      const isFullWithThese = (): boolean => schedules.length >= max || batches.isCut;
      try {
        await this.#writeAll(leader, batches);
      } finally {
        // A pass that fails half-way shows as well who crowds, and may fail because of that.
        if (isFullWithThese()) this.#crowd.noteFullPass(batches.firesOf);
      }
      // Places taken for what was cut off are free again.
      if (batches.isCut) this.#places.forget();
      isFull ||= isFullWithThese();
    }
    return isCut || isFull || limited.isMore;
  }

  async #lookAheadMs({ incarnation }: Leader): Promise<number> {
    const { settings, clock } = this.options;
    const nowMs = clock.monotonicMs();
    if (nowMs - this.#ahead.countedAtMs >= settings.rushEveryMs) {
      const size = await planning.countDueSchedules(incarnation.db, {
        lookAheadMs: settings.lookAheadMaxMs,
        limit: largestRush(settings),
      });
      this.#ahead = { size, countedAtMs: nowMs };
    }
    return lookAhead({ ...settings, rush: this.#ahead.size });
  }

  async #writeAll(leader: Leader, batches: PlanBatches): Promise<void> {
    const writers = Array.from({ length: BATCHES_AT_ONCE }, () => this.#writeSome(leader, batches));
    // A pass is over when no part of it is under way, even if one has failed.
    const failure = (await Promise.allSettled(writers)).find((end) => end.status === 'rejected');
    if (failure !== undefined) throw failure.reason;
  }

  async #writeSome(leader: Leader, batches: PlanBatches): Promise<void> {
    while (this.leadership.current() === leader) {
      const plans = batches.next();
      if (plans.length === 0) return;
      const batch = { term: leader.term, plans, soonMs: HINTED_AHEAD_MS };
      const result = await this.leadership.write(leader, async (tx) => {
        await leaveGaps(tx, plans);
        return planning.writePlans(tx, batch);
      });
      if (result.kind !== 'done') return;
      if (plans.some(({ gap }) => gap !== null)) this.gapsLeft.publish();
      if (result.value.length > 0) this.hints.send({ kind: 'work', slots: result.value });
    }
  }
}

/** Those of whose due times several may be known, beyond the next one. */
function hasPlaced({ storedSpec }: planning.DueSchedule): boolean {
  return storedSpec instanceof Object && 'kind' in storedSpec && storedSpec.kind === 'follow';
}

/** Throws when the stored schedule can't be read. */
function planOf(
  { storedSpec, storedCatchUp, ...schedule }: planning.DueSchedule,
  { placed, ...pass }: { now: Date; lookAheadMs: number; graceMs: number; placed: Map<ScheduleId, Date[]> },
): Plan {
  if (!isInstant(schedule.nextDueAt))
    throw new RangeError(
      `expected next_due_at to be of the years 1 to 9999, got ${String(schedule.nextDueAt)}`,
    );
  const later = placed.get(schedule.id) ?? [];
  const spec = plannedBy(parseSpec(storedSpec), { nextDueAt: schedule.nextDueAt, later });
  const catchUp = parseCatchUp(storedCatchUp);
  return planSchedule({ ...schedule, ...pass, spec, catchUp, limit: FIRES_PER_SCHEDULE });
}
