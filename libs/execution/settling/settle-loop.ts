// When do the ends of attempts reach the database? As soon as a pass is free and none may wait for company any longer
// (lingering.ts): ends that come meanwhile form the next batch, so batches grow with the load. Ends that could not be
// written stay and are retried. If the database refuses a value, the loop narrows the batch down to the one run that
// caused it, and that run fails. Any other refusal says nothing about the work, which is done, and passes.
import { HINTED_AHEAD_MS } from '#cluster/hints/hints-loop.js';
import type { Incarnation, Membership } from '#cluster/membership/membership.js';
import { databaseErrorKind, isAboutTheValue, isCancelled } from '#database/error-kind.js';
import type { ClaimId, RunId, Slot } from '#kernel/ids.js';
import { SLEEP_MS, type Loop } from '#kernel/loop.js';
import { Topic } from '#kernel/topic.js';
import { describeError } from '#client/jobs/thrown-error.js';
import type { HeldRuns } from '#execution/held/held-runs.js';
import type { Lingering } from './lingering.js';
import { settlePlainly } from './plain-ends.js';
import { settle, type Ending, type Start } from './settlement.js';
import { Unsettled, type Batch } from './unsettled.js';

/** A run that is due again this soon is announced for a scan at once. */
const SOON_MS = HINTED_AHEAD_MS;

export class SettleLoop implements Loop {
  readonly name = 'settle';
  /** Starts or ends wait to be written. */
  readonly pending = new Topic<void>();
  /** Ends were written; there is room for more runs. */
  readonly settled = new Topic<void>();
  /** Runs of these slots wait again, and are due now or soon. */
  readonly freed = new Topic<Slot[]>();
  /** Runs were parked: some may be offered to workers. */
  readonly parked = new Topic<void>();
  /** Locks were released with the ends of attempts. */
  readonly released = new Topic<void>();
  /** A run ended here, but its claim had been revoked: the leader that did so decides about the run. */
  readonly claimLost = new Topic<RunId>();
  readonly unsettled = new Unsettled();

  constructor(
    private readonly membership: Membership,
    private readonly held: HeldRuns,
    /** Without it no end waits for company. */
    private readonly lingering: Lingering | null = null,
  ) {}

  onExpelled(): void {
    this.unsettled.clear();
    this.lingering?.taken(true);
  }

  get isEmpty(): boolean {
    return this.unsettled.isEmpty;
  }

  noteFireStart(start: Start): void {
    this.unsettled.addStart(start);
    if (this.lingering?.noteStart() ?? true) this.pending.publish();
  }

  noteEnd(ending: Ending): void {
    this.unsettled.addEnding(ending);
    if (this.lingering?.noteEnd(ending) ?? true) this.pending.publish();
  }

  /** A caller waits for the run until the answer is called: its end is written at once. */
  awaitEnd(id: RunId): () => void {
    const done = this.lingering?.await(id);
    if (!this.isEmpty) this.pending.publish();
    return done ?? (() => undefined);
  }

  /** Callers at other replicas wait for some runs: all ends are written at once. */
  awaitEnds(untilMs: number): void {
    this.lingering?.awaitElsewhere(untilMs);
    if (!this.isEmpty) this.pending.publish();
  }

  async runOnce(): Promise<number> {
    // No trust needed here: the gate and the claim rows decide, however late this comes.
    const { incarnation } = this.membership;
    if (incarnation === null || this.isEmpty) return SLEEP_MS;
    const leftMs = this.lingering?.leftMs() ?? 0;
    if (leftMs > 0) return leftMs;
    const batch = this.unsettled.take();
    this.lingering?.taken(this.isEmpty);
    try {
      await this.#write(incarnation, batch);
    } catch (error) {
      this.lingering?.hurry();
      throw error;
    } finally {
      // If the incarnation was expelled meanwhile, nothing is in hand.
      this.unsettled.putBack();
    }
    this.settled.publish();
    return this.isEmpty ? SLEEP_MS : (this.lingering?.leftMs() ?? 0);
  }

  async #write(incarnation: Incarnation, part: Batch): Promise<void> {
    try {
      const { replica } = incarnation;
      const finishedClaims = this.#finishedClaims(part.endings);
      const batch = { ...part, replica, finishedClaims, uncertain: this.unsettled.uncertain };
      let result = await settlePlainly(this.membership, incarnation, batch);
      if (result.kind === 'not-plain')
        result = await this.membership.write(incarnation, (tx) => settle(tx, batch));
      if (result.kind === 'done' && incarnation === this.membership.incarnation)
        this.#forget(part, result.value);
    } catch (error) {
      if (isAboutTheValue(error) && part.endings.length > 0)
        return this.#narrowDown(incarnation, part, error);
      this.#noteFailure(incarnation, part, error);
      throw error;
    }
  }

  /** Halves a refused batch until the refused run stands alone; that run fails with the refusal as its error. */
  async #narrowDown(incarnation: Incarnation, { starts, endings }: Batch, refusal: unknown): Promise<void> {
    const [only] = endings;
    if (endings.length > 1 || only === undefined) {
      const middle = Math.ceil(endings.length / 2);
      await this.#write(incarnation, { starts, endings: endings.slice(0, middle) });
      await this.#write(incarnation, { starts: [], endings: endings.slice(middle) });
      return;
    }
    if (only.transition.kind === 'finish' && only.transition.outcome === 'failed') {
      this.#noteFailure(incarnation, { starts, endings }, refusal);
      throw refusal;
    }
    const { name, message } = describeError(refusal);
    const transition = {
      kind: 'finish',
      outcome: 'failed',
      error: { name, message: `the database refused the result: ${message}` },
    } as const;
    await this.#write(incarnation, { starts, endings: [{ ...only, transition, outputJson: null }] });
  }

  #noteFailure(incarnation: Incarnation, part: Batch, error: unknown): void {
    if (incarnation !== this.membership.incarnation) return;
    this.unsettled.failed(part, {
      kind: databaseErrorKind(error),
      isPassing: !isAboutTheValue(error),
      wasTooLong: isCancelled(error),
    });
  }

  #finishedClaims(endings: readonly Ending[]): ClaimId[] {
    const counts = new Map<ClaimId, number>();
    // A run that is no longer held was counted when it was written: it must not be counted for one that runs.
    for (const { run } of endings)
      if (this.held.holds(run)) counts.set(run.claimId, (counts.get(run.claimId) ?? 0) + 1);
    return [...counts].filter(([id, count]) => this.held.leftInClaim(id) <= count).map(([id]) => id);
  }

  #forget(batch: Batch, lost: ReadonlySet<RunId>): void {
    this.unsettled.written(batch);
    for (const { run } of batch.endings) {
      this.held.forget(run);
      if (lost.size > 0 && lost.has(run.id)) this.claimLost.publish(run.id);
    }
    if (batch.endings.some(({ transition }) => transition.kind === 'park')) this.parked.publish();
    if (batch.endings.some(({ run, transition }) => run.locks !== undefined && transition.kind !== 'park'))
      this.released.publish();
    const freed = batch.endings.filter(goesOnSoon).map(({ run }) => run.slot);
    if (freed.length > 0) this.freed.publish([...new Set(freed)]);
  }
}

function goesOnSoon({ transition }: Ending): boolean {
  return transition.kind === 'give-back' || ('delayMs' in transition && transition.delayMs <= SOON_MS);
}
