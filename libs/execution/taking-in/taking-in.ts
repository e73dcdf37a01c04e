// Takes runs in at the replica that owns their slot: inserted and claimed by one statement, and held as soon as it is
// committed. At most two such statements are on their way. Those that come meanwhile form the next group, so groups
// are as large as the load makes them, and no run waits for company. A run that can't be taken in like this goes the
// way of any other: it is inserted, and a claim finds it. So nothing is refused here, and nothing is tried again.
import type { Incarnation, Membership } from '#cluster/membership/membership.js';
import { databaseErrorKind } from '#database/error-kind.js';
import { randomUUID } from '#database/runtime/uuid.js';
import type { LaneDoor, LaneEntry } from '#execution/claiming/lane-door.js';
import { roomBeside } from '#execution/claiming/lanes-to-serve.js';
import type { HeldRuns } from '#execution/held/held-runs.js';
import type { IntakeTenant } from '#execution/intake/assumed-jobs.js';
import type { AssumedJob } from '#execution/intake/job-proof.js';
import type { NewRun } from '#execution/intake/new-run.repository.js';
import type { TakenInRun } from '#execution/intake/run-intake.js';
import type { JobType } from '#execution/job-types/job-type.js';
import type { LaneRules } from '#execution/limits/decisions/lane-rules.js';
import type { ClaimedRun } from '#execution/runs/claimed-run.js';
import { laneOf, type Lane } from '#execution/runs/decisions/lane.js';
import type { RunRow } from '#execution/runs/run-row.js';
import { asId, type ClaimId } from '#kernel/ids.js';
import { isPlain } from './decisions/plain-run.js';
import { takeIn, type TakenIn } from './take-in.repository.js';

const AT_ONCE = 2;
const GROUP_MAX = 100;
/** The statement walks over those of the lane that are held, and their ids are sent with it. */
const HELD_OF_LANE_MAX = 100;

interface Coming {
  run: NewRun;
  assumed: AssumedJob;
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
}

export class TakingIn {
  #waiting: Coming[] = [];
  #underWay = 0;

  constructor(private readonly parts: TakingInParts) {}

  /** Null when nothing was written, and the run must go the other way. Rejects when it may have been written. */
  async take(
    { tenant, jobType }: { tenant: IntakeTenant; jobType: JobType },
    { run, assumed }: { run: NewRun; assumed: AssumedJob },
  ): Promise<TakenInRun | null> {
    if (!isPlain(run, jobType) || this.#actingAs() === null) return null;
    const lane = { tenantId: run.tenantId, slot: run.slot, lane: laneOf(run) };
    if (this.parts.door.entryTo(lane) === null) return null;
    const rules = { paused: false, weight: tenant.weight, tenant: tenant.limits, jobType: jobType.limits };
    return new Promise((resolve, reject) => {
      this.#waiting.push({ run, assumed, tenant, jobType, lane, rules, resolve, reject });
      this.#go();
    });
  }

  #actingAs(): Incarnation | null {
    const { membership } = this.parts;
    return membership.isDraining ? null : membership.trusted();
  }

  #go(): void {
    while (this.#underWay < AT_ONCE) {
      const group = this.#nextGroup();
      if (group.length === 0) return;
      this.#underWay += 1;
      void this.#send(group)
        .catch((error: unknown) => group.forEach(({ reject }) => reject(error)))
        .finally(() => {
          this.#underWay -= 1;
          this.#go();
        });
    }
  }

  /** A lane is in one group at a time: of two the one that is written last would find the other's runs waiting. */
  #nextGroup(): Coming[] {
    const { entering } = this.parts.door;
    const group = this.#waiting.filter(({ lane }) => entering.ofLane(lane) === 0).slice(0, GROUP_MAX);
    const chosen = new Set(group);
    if (group.length > 0) this.#waiting = this.#waiting.filter((coming) => !chosen.has(coming));
    return group;
  }

  async #send(group: readonly Coming[]): Promise<void> {
    const incarnation = this.#actingAs();
    const entering = incarnation === null ? [] : this.#admit(group);
    const admitted = new Set(entering.map(({ run }) => run.id));
    for (const { run, resolve } of group) if (!admitted.has(run.id)) resolve(null);
    if (incarnation === null || entering.length === 0) return;
    try {
      await this.#write(incarnation, entering);
    } finally {
      for (const each of entering) this.parts.door.entering.remove({ ...each.lane, id: each.run.id });
    }
  }

  /** Those for which there is room, which are 'entering' from here on. */
  #admit(group: readonly Coming[]): Entering[] {
    const { door } = this.parts;
    return group.flatMap((coming) => {
      const entry = this.#hasRoom(coming) ? door.entryTo(coming.lane) : null;
      if (entry === null) return [];
      door.entering.add({ ...coming.lane, id: coming.run.id });
      return [{ ...coming, entry }];
    });
  }

  /** As for a claim, with those that are on their way. */
  #hasRoom({ lane, rules }: Coming): boolean {
    const { held, door } = this.parts;
    const { entering } = door;
    const ofLane = held.ofLane(lane) + entering.ofLane(lane);
    if (held.room() <= entering.size || ofLane >= HELD_OF_LANE_MAX) return false;
    return roomBeside(lane, { held, rules }) > entering.ofTenant(lane.tenantId);
  }

  async #write(incarnation: Incarnation, entering: readonly Entering[]): Promise<void> {
    const claimId = asId.claim(randomUUID());
    const lanes = entering.map(({ lane }) => ({ ...lane, after: null }));
    const request = { claimId, runs: entering, inHand: this.parts.door.inHand(lanes) };
    let isSent = false;
    try {
      const taken = await incarnation.db.connection().execute((db) => {
        isSent = true;
        return takeIn(db, incarnation, request);
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
      return [{ run: claimedRun(row, { ...lane, claimId }), rules }];
    });
    this.parts.door.enter(incarnation, entered);
  }
}

function answerOf(taken: TakenIn | undefined): TakenInRun {
  return taken === undefined ? { row: null, isHeld: false } : { row: taken.row, isHeld: taken.isClaimed };
}

/** A handler may change its payload while the row is shown to the caller. */
function claimedRun(row: RunRow, { claimId, ...lane }: Lane & { claimId: ClaimId }): ClaimedRun {
  const { id, jobType, queue, concurrencyKey, priority, runAt, attempt, deadline } = row;
  return {
    ...FRESH,
    id,
    claimId,
    ...lane,
    jobType,
    queue,
    concurrencyKey,
    payload: structuredClone(row.payload),
    priority,
    runAt,
    attempt,
    deadline,
  };
}

/** Of a plain run that was never tried. */
const FRESH = {
  scheduleId: null,
  dueAt: null,
  ownLocks: null,
  details: null,
  failures: 0,
  losses: 0,
  isCancelRequested: false,
};
