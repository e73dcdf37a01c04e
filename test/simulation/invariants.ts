// What must never happen? Each transaction is judged as it commits, by what it did and by what is committed
// at that instant; the numbers are those of docs/ARCHITECTURE.md. What only the end can tell (is anything
// lost, does everything go on) is judged in final-account.ts.
import {
  fireKey,
  isLive,
  type FireRow,
  type ModelDatabase,
  type RunRow,
  type ScheduleRow,
} from './model-database.js';
import { AskedTimes } from './asked-times.js';
import { CaughtUpTimes } from './caught-up-times.js';
import type { Crowd } from './crowd.js';
import { judgeEntered } from './entering-runs.js';
import { CrowdedTurns } from './crowded-turns.js';
import { Limits } from './limits.js';
import { LockPromises } from './lock-promises.js';
import { judgePause } from './pauses.js';
import { StrictPromises } from './strict-promises.js';
import { Sightings } from './sightings.js';
import type { Act, Transaction } from './transaction.js';
import type { World } from './world.js';

/** Outcomes of due times that did not run. */
const OPEN_TO_BACKFILLS = new Set(['missed', 'coalesced', 'skipped']);

export class Invariants {
  /** Runs whose creation was acknowledged to the caller of the API. */
  readonly acknowledged = new Set<string>();
  /** Runs of which the caller of the API was told that they are cancelled. */
  readonly cancelled = new Set<string>();
  /** Runs that were over once, and are not for ever. */
  readonly broughtBack = new Set<string>();
  /** Runs whose results the server refused because of what is in them. */
  readonly refusedResults = new Set<string>();
  /** Runs whose handler fails them for good. */
  readonly fatal = new Set<string>();
  readonly #outcomes = new Map<string, string>();
  readonly #claimants = new Map<string, Set<number>>();
  readonly #holders = new Map<number, string>();
  /** For which run each due time was planned, unless that was taken back. */
  readonly #planned = new Map<string, string | null>();
  /** At which instant of the world a claimed run becomes due, by the clock reading of its claim. */
  readonly #dueAtMs = new Map<string, number>();
  /** How runs ended that were not held. */
  readonly #endedUnheld = new Map<string, string>();
  /** Claims of attempts of runs that were to be cancelled by then. */
  readonly #unwanted = new Set<string>();
  readonly limits: Limits;
  readonly sightings: Sightings;
  readonly locks: LockPromises;
  readonly strict: StrictPromises;
  readonly #turns: CrowdedTurns;
  readonly asked: AskedTimes;
  readonly caughtUp: CaughtUpTimes;
  deaths = 0;
  outcomes = 0;

  constructor(
    private readonly world: World,
    private readonly db: ModelDatabase,
    settings: { readonly deadAfterMs: number; readonly crashedAfterMs: number; readonly crowd: Crowd | null },
  ) {
    this.sightings = new Sightings(world, settings);
    this.#turns = new CrowdedTurns(world, db, settings.crowd);
    this.locks = new LockPromises(world, db);
    this.strict = new StrictPromises(world, db);
    this.asked = new AskedTimes(world, db);
    this.caughtUp = new CaughtUpTimes(world, db);
    this.limits = new Limits(world, db, this.broughtBack);
  }

  /** Called as the transaction commits; `get` without a transaction still shows the rows from before. */
  judge(tx: Transaction): void {
    for (const act of tx.acts) this.#judge(act, tx);
    this.#turns.judge(tx);
    this.strict.judge(tx);
  }

  /** The run is being claimed while the server's clock shows `wallMs`. */
  noteClaimed(replica: number, run: RunRow, wallMs: number): void {
    const key = `${run.id}/${run.attempt}/${replica}`;
    this.#dueAtMs.set(key, this.world.nowMs + run.runAtMs - wallMs);
    if (run.cancelRequestedAtMs !== null) this.#unwanted.add(key);
  }

  /** The planner decides about a due time of the schedule, which is as it was read. */
  noteDecided(fire: FireRow, schedule: ScheduleRow): void {
    judgePause(this.world, fire, schedule);
  }

  /** Undefined for runs that are not over, or that ended with an attempt. */
  endedUnheld(run: string): string | undefined {
    return this.#endedUnheld.get(run);
  }

  /** Whether the run was to be cancelled when the replica claimed the attempt. */
  wasUnwanted(run: string, attempt: number, replica: number): boolean {
    return this.#unwanted.has(`${run}/${attempt}/${replica}`);
  }

  dueAtMs(run: string, attempt: number, replica: number): number | undefined {
    return this.#dueAtMs.get(`${run}/${attempt}/${replica}`);
  }

  #judge(act: Act, tx: Transaction): void {
    switch (act.kind) {
      case 'begin-term':
        return this.#judgeTerm(act);
      case 'leader-write':
        return this.#judgeLeaderWrite(act);
      case 'death':
        this.deaths += 1;
        return this.sightings.judge(act);
      case 'claim':
        return this.#judgeClaim(act, tx);
      case 'entered':
        return judgeEntered(this.world, this.db, { ...act, tx, wasClaimed: (run) => this.#wasClaimed(run) });
      case 'outcome':
        this.locks.judgeEnded(act.run, tx);
        return this.#judgeOutcome(act);
      case 'failed-for-good':
        if (this.refusedResults.has(act.run) || this.fatal.has(act.run)) return;
        return this.world.violate(
          'no run fails for what passes',
          `${act.run} failed, but only its retries may`,
        );
      case 'dead-letter':
      case 'queued':
      case 'put-off':
      case 'unblocked':
        return;
      case 'ended-unheld':
        return this.#judgeEnding(act);
      case 'brought-back':
        return this.#judgeReturn(act, tx);
      case 'hand-over':
      case 'gift':
        return this.#judgeMove(act);
      case 'plan':
        this.limits.judgePlan(act, tx);
        return this.#judgePlan(act);
      case 'decision':
        if (this.db.fire.get(fireKey(act.schedule, act.dueMs))?.outcome === 'planned') return;
        return this.world.violate('I1', `the fire ${fireKey(act.schedule, act.dueMs)} was decided twice`);
      case 'schedule-held':
      case 'schedule-changed':
        return this.asked.note(act);
      case 'lock-acquired':
        if (act.replica !== null) this.#judgeAlive(act.replica, `the hold of ${act.holder}`);
        return this.locks.judgeAcquired(act, tx);
      case 'run-gone':
        this.locks.judgeEnded(act.run, tx);
        return this.#judgeRemoval(act.run, tx);
    }
  }

  #judgeTerm({ from, to, holder }: Act & { kind: 'begin-term' }): void {
    const now = this.db.leadership.get(1);
    if (now?.term !== from || to <= from)
      this.world.violate('I3', `term ${to} began after term ${now?.term}, from what was read as ${from}`);
    if (this.#holders.has(to))
      this.world.violate('I3', `term ${to} has two holders, ${this.#holders.get(to)} and ${holder}`);
    this.#holders.set(to, holder);
  }

  #judgeLeaderWrite({ term, holder }: Act & { kind: 'leader-write' }): void {
    const now = this.db.leadership.get(1);
    if (now?.term === term && now.holder === holder) return;
    this.world.violate(
      'I3',
      `a write of term ${term} by ${holder} commits in term ${now?.term} of ${now?.holder}`,
    );
  }

  #wasClaimed(run: string): boolean {
    return (
      this.#claimants.has(`${run}/${this.db.run.get(run)?.attempt ?? 1}`) ||
      this.db.run.get(run)?.attempt !== 1
    );
  }

  #judgeClaim({ replica, claim, runs }: Act & { kind: 'claim' }, tx: Transaction): void {
    this.#judgeAlive(replica, `the claim ${claim}`);
    if (this.db.replica.get(replica)?.state === 'left') {
      this.world.violate(
        'who has left claims nothing',
        `the claim ${claim} commits after replica ${replica} has left`,
      );
    }
    const ids = new Set(runs.map(({ id }) => id));
    for (const other of this.db.claim.rows()) {
      if (other.replica === replica || !this.db.isLive(other.replica)) continue;
      const both = other.runs.filter((run) => ids.has(run) && this.db.run.get(run) !== null);
      if (both.length === 0) continue;
      const story = `${both.join(', ')} is claimed by replica ${replica} (${claim}) and by replica ${other.replica} (${other.id}), both alive`;
      this.world.violate('one live claim a run', story);
    }
    for (const { id, attempt } of runs) {
      const now = this.db.run.get(id, tx);
      if (now?.attempt !== attempt)
        this.world.violate(
          'what is claimed is there',
          `the claim ${claim} of attempt ${attempt} of ${id} commits, but the run ${now === null ? 'is gone' : `is at attempt ${now.attempt}`}`,
        );
      const key = `${id}/${attempt}`;
      const claimants = this.#claimants.get(key);
      if (claimants === undefined) this.#claimants.set(key, new Set([replica]));
      else claimants.add(replica);
    }
  }

  #judgeOutcome({ replica, run, attempt, outcome, claimedAttempt }: Act & { kind: 'outcome' }): void {
    const key = `${run}/${attempt}`;
    this.outcomes += 1;
    const before = this.#outcomes.get(key);
    if (before !== undefined)
      this.world.violate('I2', `attempt ${attempt} of ${run} has two outcomes, ${before} and ${outcome}`);
    this.#outcomes.set(key, outcome);
    if (this.db.history.get(run) !== null)
      this.world.violate('I2', `${run} has a second terminal outcome, ${outcome}`);
    if (outcome === 'lost') {
      if (this.db.isLive(replica))
        this.world.violate('I2', `attempt ${attempt} of ${run} counts as lost, but replica ${replica} lives`);
      const holder = this.db.claim
        .rows()
        .find((claim) => claim.runs.includes(run) && this.db.isLive(claim.replica));
      if (holder === undefined) return;
      const burned = `attempt ${attempt} of ${run} counts as lost with replica ${replica}, but replica ${holder.replica}, which lives, has claimed it`;
      this.world.violate('no attempt of the living is burned', burned);
      return;
    }
    this.#judgeAlive(replica, `the outcome of attempt ${attempt} of ${run}`);
    if (claimedAttempt === attempt && this.#claimants.get(key)?.has(replica)) return;
    const story = `replica ${replica} recorded ${outcome} for attempt ${attempt} of ${run}, having claimed attempt ${claimedAttempt}`;
    this.world.violate('I2', story);
  }

  #judgeEnding({ run, attempt, outcome }: Act & { kind: 'ended-unheld' }): void {
    const before = this.#outcomes.get(`${run}/${attempt}`);
    if (before !== undefined)
      this.world.violate('I2', `attempt ${attempt} of ${run} has two outcomes, ${before} and ${outcome}`);
    this.#outcomes.set(`${run}/${attempt}`, outcome);
    this.#endedUnheld.set(run, outcome);
    const holder = this.db.claim
      .rows()
      .find((claim) => claim.runs.includes(run) && this.db.isLive(claim.replica));
    if (holder === undefined) return;
    const story = `${run} is ended as ${outcome}, but replica ${holder.replica} holds it by ${holder.id}`;
    this.world.violate('only its holder ends what is held', story);
  }

  /** It starts from anew, and no replica may believe that it holds it. */
  #judgeReturn({ run, attempt }: Act & { kind: 'brought-back' }, tx: Transaction): void {
    this.#endedUnheld.delete(run);
    this.broughtBack.add(run);
    const before = this.#outcomes.get(`${run}/${attempt}`);
    if (before !== undefined)
      this.world.violate('I2', `${run} comes back for attempt ${attempt}, which has ended as ${before}`);
    const { schedule = null, dueMs = null } = this.db.run.get(run, tx) ?? {};
    if (schedule === null || dueMs === null) return;
    const outcome = this.db.fire.get(fireKey(schedule, dueMs), tx)?.outcome ?? 'planned';
    if (!OPEN_TO_BACKFILLS.has(outcome)) return;
    this.world.violate(
      'I1',
      `${run} comes back, and a backfill may run its due time, which is ${outcome}, too`,
    );
  }

  #judgeMove(act: Act & { kind: 'hand-over' | 'gift' }): void {
    const { owner = null } = this.db.slot.get(act.slot) ?? {};
    if (act.kind === 'hand-over') return this.#judgeAlive(act.replica, `the hand-over of slot ${act.slot}`);
    if (owner === null || !isLive(this.db.replica.get(owner))) return;
    this.world.violate(
      'no slot is taken from the living',
      `slot ${act.slot} is given away, but replica ${owner} lives`,
    );
  }

  #judgePlan({ schedule, dueMs, run }: Act & { kind: 'plan' }): void {
    const key = fireKey(schedule, dueMs);
    const earlier = this.#planned.get(key);
    if (this.db.fire.get(key) !== null)
      this.world.violate('I1', `${key} was planned for ${run}, and before that for ${earlier}`);
    this.#planned.set(key, run);
  }

  #judgeRemoval(run: string, tx: Transaction): void {
    if (this.db.run.get(run) === null)
      return this.world.violate('I5', `${run} was removed, but is not there`);
    if (this.acknowledged.has(run) && this.db.history.get(run, tx) === null)
      this.world.violate('I5', `${run} was acknowledged and is gone`);
  }

  #judgeAlive(replica: number, what: string): void {
    if (this.db.replica.get(replica)?.state !== 'dead') return;
    this.world.violate('I4', `${what} commits after the death of replica ${replica}`);
  }
}
