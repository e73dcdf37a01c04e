// The starts and ends of attempts that are still to be written, in the order in which they came. One batch is in hand
// while it is being written, and each part of it that is in the database is removed at once: if the rest fails, only
// the rest is put back. No end is taken while starts wait, since it may close the claim by which their fires are
// decided. A batch that the server refuses for a passing reason is retried in smaller batches, in much smaller ones if
// its time ran out, since each such try costs the whole time limit. An entry that is refused alone goes to the end, so
// that it holds nothing else up. If the connection broke after an end was sent, the end is marked as uncertain, so that
// the next try reads it back first.
import type { DatabaseErrorKind } from '#database/error-kind.js';
import type { Ending, Start } from './settlement.js';

const BATCH_SIZE_MAX = 2_000;
/** The divisor of a batch that the server refused for any other reason than time. */
const SHRINKS_BY = 2;
/** From 2,000 down to one in three more tries; halving would take eleven, each of them ten seconds long. */
const SHRINKS_IN_TIMEOUT_BY = 16;

export interface Batch {
  readonly starts: readonly Start[];
  readonly endings: readonly Ending[];
}

export interface Refusal {
  kind: DatabaseErrorKind;
  isPassing: boolean;
  /** The server cancelled it because its time was up. */
  wasTooLong?: boolean;
}

const NOTHING: Batch = { starts: [], endings: [] };

export class Unsettled {
  #starts: Start[] = [];
  #endings: Ending[] = [];
  #inHand = NOTHING;
  /** The entry of this batch that was refused alone. */
  #refused: Batch = NOTHING;
  readonly #uncertain = new Set<Ending>();
  #sizeMax = BATCH_SIZE_MAX;

  get isEmpty(): boolean {
    return this.#starts.length === 0 && this.#endings.length === 0;
  }

  /** Endings that an earlier try may have written already. */
  get uncertain(): ReadonlySet<Ending> {
    return this.#uncertain;
  }

  addStart(start: Start): void {
    this.#starts.push(start);
  }

  addEnding(ending: Ending): void {
    this.#endings.push(ending);
  }

  clear(): void {
    this.#starts = [];
    this.#endings = [];
    this.#inHand = NOTHING;
    this.#refused = NOTHING;
    this.#uncertain.clear();
  }

  take(): Batch {
    const starts = this.#starts.splice(0, this.#sizeMax);
    const endings = this.#starts.length > 0 ? [] : this.#endings.splice(0, this.#sizeMax);
    this.#inHand = { starts, endings };
    return this.#inHand;
  }

  /** The part, from the front of the batch in hand, is in the database. */
  written(part: Batch): void {
    for (const ending of this.#front(part)) this.#uncertain.delete(ending);
    this.#drop(part);
    this.#sizeMax = Math.min(BATCH_SIZE_MAX, 2 * this.#sizeMax);
  }

  /** The part, from the front of the batch in hand, could not be written. */
  failed(part: Batch, { kind, isPassing, wasTooLong = false }: Refusal): void {
    if (kind === 'unknown') for (const ending of this.#front(part)) this.#uncertain.add(ending);
    if (kind === 'unknown' || kind === 'lost') return;
    const size = Math.max(part.starts.length, part.endings.length);
    const divisor = wasTooLong ? SHRINKS_IN_TIMEOUT_BY : SHRINKS_BY;
    if (isPassing) this.#sizeMax = Math.max(1, Math.floor(size / divisor));
    if (size > 1) return;
    this.#refused = { starts: part.starts, endings: this.#front(part) };
    this.#drop(part);
  }

  /** Puts the rest of the batch in hand first again, and the entry that was refused alone last. */
  putBack(): void {
    this.#starts = [...this.#inHand.starts, ...this.#starts, ...this.#refused.starts];
    this.#endings = [...this.#inHand.endings, ...this.#endings, ...this.#refused.endings];
    this.#inHand = NOTHING;
    this.#refused = NOTHING;
  }

  #front({ endings }: Batch): readonly Ending[] {
    return this.#inHand.endings.slice(0, endings.length);
  }

  #drop({ starts, endings }: Batch): void {
    this.#inHand = {
      starts: this.#inHand.starts.slice(starts.length),
      endings: this.#inHand.endings.slice(endings.length),
    };
  }
}
