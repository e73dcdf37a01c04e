// When do attempts' ends reach the database? As soon as a pass is free: the first end goes alone, and
// those that come while it is being written form the next batch, so batches grow with the load by
// themselves. What could not be written stays, and is tried again; a refusal is narrowed down to the one
// run that caused it.
import { asReplica } from '#cluster/fences.js';
import type { Incarnation, Membership } from '#cluster/membership.js';
import { databaseErrorKind } from '#database/error-kind.js';
import type { ClaimId, RunId, Slot } from '#kernel/ids.js';
import { UNTIL_WOKEN_MS, type Loop } from '#kernel/loop.js';
import { Topic } from '#kernel/topic.js';
import { describeError } from '#client/thrown-error.js';
import type { HeldRuns } from './held-runs.js';
import { settle, type Ending, type Start } from './settlement.js';

const BATCH_SIZE_MAX = 2_000;
/** Whoever goes on this soon is looked for at once; later ones are found by the look every second. */
const SOON_MS = 1_500;

interface Batch {
  starts: Start[];
  endings: Ending[];
}

export class SettleLoop implements Loop {
  readonly name = 'settle';
  /** There is something to write. */
  readonly pending = new Topic<void>();
  /** Ends were written; there is room for more runs. */
  readonly settled = new Topic<void>();
  /** Runs went back to these slots, and are due now or soon. */
  readonly freed = new Topic<Slot[]>();
  /** Work for outside was offered. */
  readonly offered = new Topic<void>();
  /** A run ended here, but its claim was gone: somebody else decides about it. */
  readonly claimLost = new Topic<RunId>();
  #waiting: Batch = { starts: [], endings: [] };

  constructor(
    private readonly membership: Membership,
    private readonly held: HeldRuns,
  ) {
    membership.expelled.subscribe(() => {
      this.#waiting = { starts: [], endings: [] };
    });
  }

  get isEmpty(): boolean {
    return this.#waiting.endings.length === 0 && this.#waiting.starts.length === 0;
  }

  noteStart(start: Start): void {
    this.#waiting.starts.push(start);
    this.pending.publish();
  }

  noteEnd(ending: Ending): void {
    this.#waiting.endings.push(ending);
    this.pending.publish();
  }

  async runOnce(): Promise<number> {
    // No trust needed here: the gate and the claim rows decide, however late this comes.
    const { incarnation } = this.membership;
    if (incarnation === null || this.isEmpty) return UNTIL_WOKEN_MS;
    const batch = {
      starts: this.#waiting.starts.splice(0, BATCH_SIZE_MAX),
      endings: this.#waiting.endings.splice(0, BATCH_SIZE_MAX),
    };
    try {
      await this.#write(incarnation, batch);
    } catch (error) {
      if (incarnation === this.membership.incarnation) this.#putBack(batch);
      throw error;
    }
    this.settled.publish();
    return this.isEmpty ? UNTIL_WOKEN_MS : 0;
  }

  async #write(incarnation: Incarnation, batch: Batch): Promise<void> {
    try {
      const result = await asReplica(incarnation.db, incarnation, (tx) =>
        settle(tx, {
          ...batch,
          replica: incarnation.replica,
          finishedClaims: this.#finishedClaims(batch.endings),
        }),
      );
      if (result.kind === 'fenced') return this.membership.acceptDeath(incarnation);
      this.#forget(batch, result.value);
    } catch (error) {
      if (databaseErrorKind(error) !== 'rejected' || batch.endings.length === 0) throw error;
      await this.#narrowDown(incarnation, batch, error);
    }
  }

  /** Halves a refused batch until the refused run stands alone; that one fails with the refusal as its error. */
  async #narrowDown(incarnation: Incarnation, { starts, endings }: Batch, refusal: unknown): Promise<void> {
    const [only] = endings;
    if (endings.length > 1 || only === undefined) {
      const middle = Math.ceil(endings.length / 2);
      await this.#write(incarnation, { starts, endings: endings.slice(0, middle) });
      await this.#write(incarnation, { starts: [], endings: endings.slice(middle) });
      return;
    }
    if (only.transition.kind === 'finish' && only.transition.outcome === 'failed') throw refusal;
    const { name, message } = describeError(refusal);
    const transition = {
      kind: 'finish',
      outcome: 'failed',
      error: { name, message: `the database refused the result: ${message}` },
    } as const;
    await this.#write(incarnation, { starts, endings: [{ ...only, transition, outputJson: null }] });
  }

  #finishedClaims(endings: readonly Ending[]): ClaimId[] {
    const counts = new Map<ClaimId, number>();
    for (const { run } of endings) counts.set(run.claimId, (counts.get(run.claimId) ?? 0) + 1);
    return [...counts].filter(([id, count]) => this.held.leftInClaim(id) <= count).map(([id]) => id);
  }

  #forget(batch: Batch, lost: ReadonlySet<RunId>): void {
    for (const { run } of batch.endings) {
      this.held.forget(run);
      if (lost.size > 0 && lost.has(run.id)) this.claimLost.publish(run.id);
    }
    if (batch.endings.some(({ transition }) => transition.kind === 'park')) this.offered.publish();
    const freed = batch.endings.filter(goesOnSoon).map(({ run }) => run.slot);
    if (freed.length > 0) this.freed.publish([...new Set(freed)]);
  }

  #putBack(batch: Batch): void {
    this.#waiting = {
      starts: [...batch.starts, ...this.#waiting.starts],
      endings: [...batch.endings, ...this.#waiting.endings],
    };
  }
}

function goesOnSoon({ transition }: Ending): boolean {
  return transition.kind === 'release' || (transition.kind === 'retry' && transition.delayMs <= SOON_MS);
}
