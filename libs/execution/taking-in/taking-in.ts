// Takes runs in at the replica that owns their slot: inserted and claimed by one statement, and held as soon as it is
// committed. Few such statements are on their way at once. Those that come meanwhile, or while a claim from their lane is
// on its way, form the next group: groups are as large as the load makes them, and no run waits for company. A run that
// can't be taken in like this goes the way of any other: it is inserted, and a claim finds it. So nothing is refused here,
// and nothing is tried again.
import type { Incarnation, Membership } from '#cluster/membership/membership.js';
import { databaseErrorKind } from '#database/error-kind.js';
import { randomUUID } from '#database/runtime/uuid.js';
import type { Clock } from '#kernel/clock.js';
import type { LaneDoor, LaneEntry } from '#execution/claiming/lane-door.js';
import { roomBeside } from '#execution/claiming/lanes-to-serve.js';
import type { HeldRuns } from '#execution/held/held-runs.js';
import type { IntakeTenant } from '#execution/intake/assumed-jobs.js';
import type { AssumedJob } from '#execution/intake/job-proof.js';
import type { NewRun } from '#execution/intake/new-run.repository.js';
import type { TakenInRun } from '#execution/intake/run-intake.js';
import type { JobType } from '#execution/job-types/job-type.js';
import type { LaneRules } from '#execution/limits/decisions/lane-rules.js';
import { laneOf, type Lane } from '#execution/runs/decisions/lane.js';
import { asId, type ClaimId } from '#kernel/ids.js';
import { ASKED_SLEEP_MS, type Loop } from '#kernel/loop.js';
import { Topic } from '#kernel/topic.js';
import { enteredRun } from './entered-run.js';
import { isPlain } from './decisions/plain-run.js';
import { takeIn, type TakenIn } from './take-in.repository.js';

/** A broken connection leaves so many callers without an answer at most. */
const GROUP_MAX = 25;
const GROUP_CHARACTERS_MAX = 1_000_000;
/** Where more wait, groups don't keep up, and a claim takes many at once. */
const WAITING_MAX = 100;
/** A run waits for others' statements no longer than this, and for none that has taken so long. */
const LATE_MS = 500;
/** The statement walks over those of the lane that are held, and their ids are sent with it. */
const HELD_OF_LANE_MAX = 100;

interface Coming {
  sinceMs: number;
  run: NewRun;
  assumed: AssumedJob;
  payloadText: string;
  tenant: IntakeTenant;
  jobType: JobType;
  lane: Lane;
  rules: LaneRules;
  resolve: (taken: TakenInRun | null) => void;
  reject: (error: unknown) => void;
}

type Entering = Coming & { entry: LaneEntry };

export interface TakingInParts {
  membership: Membership;
  door: LaneDoor;
  held: HeldRuns;
  /** A run of this job type, which has just been proved, starts at once. */
  expect: (tenant: IntakeTenant, jobType: JobType) => void;
  clock: Clock;
  /** How many statements may be on their way. */
  atOnce: number;
}

export class TakingIn implements Loop {
  readonly name = 'taking-in';
  /** A run waits for others, and this loop sees to it that it doesn't wait for long. */
  readonly waits = new Topic<void>();
  #waiting: Coming[] = [];
  /** When the statements that are on their way were sent, the oldest first. */
  readonly #underWay = new Set<{ sentAtMs: number }>();

  constructor(private readonly parts: TakingInParts) {
    parts.door.opened.subscribe(() => this.#go());
  }

  async runOnce(): Promise<number> {
    const lateMs = this.parts.clock.monotonicMs() - LATE_MS;
    const late = this.#waiting.findLastIndex(({ sinceMs }) => sinceMs <= lateMs) + 1;
    for (const { resolve } of this.#waiting.splice(0, late)) resolve(null);
    const [oldest] = this.#waiting;
    return oldest === undefined ? ASKED_SLEEP_MS : oldest.sinceMs - lateMs;
  }

  /** Null when nothing was written, and the run must go the other way. Rejects when it may have been written. */
  async take(
    { tenant, jobType }: { tenant: IntakeTenant; jobType: JobType },
    { run, assumed }: { run: NewRun; assumed: AssumedJob },
  ): Promise<TakenInRun | null> {
    if (!isPlain(run, jobType) || this.#actingAs() === null || this.#isLate()) return null;
    if (this.#waiting.length >= WAITING_MAX) return null;
    const lane = { tenantId: run.tenantId, slot: run.slot, lane: laneOf(run) };
    const { door, clock } = this.parts;
    if (!door.isClosed(lane) && door.entryTo(lane) === null) return null;
    const rules = { paused: false, weight: tenant.weight, tenant: tenant.limits, jobType: jobType.limits };
    const payloadText = JSON.stringify(run.payload);
    return new Promise((resolve, reject) => {
      const sinceMs = clock.monotonicMs();
      this.#waiting.push({
        sinceMs,
        run,
        assumed,
        payloadText,
        tenant,
        jobType,
        lane,
        rules,
        resolve,
        reject,
      });
      this.#go();
      if (this.#waiting.length === 1) this.waits.publish();
    });
  }

  #actingAs(): Incarnation | null {
    const { membership } = this.parts;
    return membership.isDraining ? null : membership.trusted();
  }

  #isLate(): boolean {
    const [oldest] = this.#underWay;
    return oldest !== undefined && oldest.sentAtMs + LATE_MS <= this.parts.clock.monotonicMs();
  }

  #go(): void {
    while (this.#underWay.size < this.parts.atOnce) {
      const group = this.#nextGroup();
      if (group.length === 0) return;
      const statement = { sentAtMs: this.parts.clock.monotonicMs() };
      this.#underWay.add(statement);
      void this.#send(group)
        .catch((error: unknown) => group.forEach(({ reject }) => reject(error)))
        .finally(() => {
          this.#underWay.delete(statement);
          this.#go();
        });
    }
  }

  /** A lane is in one group at a time: of two the one that is written last would find the other's runs waiting. */
  #nextGroup(): Coming[] {
    const { door } = this.parts;
    const group: Coming[] = [];
    const others: Coming[] = [];
    let characters = 0;
    for (const coming of this.#waiting) {
      const isFull = group.length === GROUP_MAX || characters >= GROUP_CHARACTERS_MAX;
      if (isFull || door.entering.ofLane(coming.lane) > 0 || door.isClosed(coming.lane)) {
        others.push(coming);
        continue;
      }
      group.push(coming);
      characters += coming.payloadText.length;
    }
    this.#waiting = others;
    return group;
  }

  async #send(group: readonly Coming[]): Promise<void> {
    const incarnation = this.#actingAs();
    const entering: Entering[] = [];
    try {
      for (const coming of group) {
        const entry = incarnation === null ? null : this.#entryOf(coming);
        if (entry === null) coming.resolve(null);
        else entering.push({ ...coming, entry });
      }
      if (incarnation !== null && entering.length > 0) await this.#write(incarnation, entering);
    } finally {
      for (const each of entering) this.parts.door.leave({ ...each.lane, id: each.run.id });
    }
  }

  /** Where there is room, as for a claim with those that are on their way, the run is 'entering' from here on. */
  #entryOf({ run, lane, rules }: Coming): LaneEntry | null {
    const { held, door } = this.parts;
    const { entering } = door;
    const ofLane = held.ofLane(lane) + entering.ofLane(lane);
    if (held.room() <= entering.size || ofLane >= HELD_OF_LANE_MAX) return null;
    if (roomBeside(lane, { held, rules }) <= entering.ofTenant(lane.tenantId)) return null;
    const entry = door.entryTo(lane);
    if (entry !== null) entering.add({ ...lane, id: run.id });
    return entry;
  }

  async #write(incarnation: Incarnation, entering: readonly Entering[]): Promise<void> {
    const claimId = asId.claim(randomUUID());
    const lanes = entering.map(({ lane }) => ({ ...lane, after: null }));
    let isSent = false;
    try {
      const taken = await incarnation.db.connection().execute((db) => {
        isSent = true;
        // Now, since claims may have taken others while this waited for a connection.
        return takeIn(db, incarnation, { claimId, runs: entering, inHand: this.parts.door.inHand(lanes) });
      });
      this.#hold(incarnation, entering, { claimId, taken });
      for (const { run, resolve } of entering) resolve(answerOf(taken.get(run.id)));
    } catch (error) {
      // A claim that may have been made is a stray one, if it was; the next claim takes its runs.
      const isUnknown = isSent && databaseErrorKind(error) === 'unknown';
      for (const { resolve, reject } of entering) {
        if (isUnknown) reject(error);
        else resolve(null);
      }
    }
  }

  #hold(
    incarnation: Incarnation,
    entering: readonly Entering[],
    { claimId, taken }: { claimId: ClaimId; taken: ReadonlyMap<string, TakenIn> },
  ): void {
    const entered = entering.flatMap(({ run: { id }, tenant, jobType, lane, rules }) => {
      const { isClaimed = false, row } = taken.get(id) ?? {};
      if (!isClaimed || row === undefined) return [];
      this.parts.expect(tenant, jobType);
      return [{ run: enteredRun(row, { ...lane, claimId }), rules }];
    });
    this.parts.door.enter(incarnation, entered);
  }
}

function answerOf(taken: TakenIn | undefined): TakenInRun {
  return taken === undefined ? { row: null, isHeld: false } : { row: taken.row, isHeld: taken.isClaimed };
}
