// What is still to be written of the attempts that have begun and ended here? Starts and ends wait in the order in which
// they came, a batch of them is in hand while it is being written, and each part of it that is in the database is taken out
// at once: if the rest fails, only the rest is put back. An end is not taken before all starts that wait, since
// it may close the claim by which their fires are decided. What the server refuses for a passing reason comes again in a
// smaller batch (much smaller if its time ran out, since each such try costs all of the limit), and what it refuses alone goes to the end, so that it holds nothing else up. Of what was sent when the
// connection broke it is not known whether it was written; that is remembered, so that it is read back first.
import type { DatabaseErrorKind } from '#database/error-kind.js';
import type { Ending, Start } from './settlement.js';

const BATCH_SIZE_MAX = 2_000;
/** Of a batch that the server would not write, for any reason but its time. */
const SHRINKS_BY = 2;
/** From 2,000 to single ones in three tries more; halving would be eleven, each of them ten seconds long. */
const SHRINKS_IN_TIMEOUT_BY = 16;

export interface Batch {
  readonly starts: readonly Start[];
  readonly endings: readonly Ending[];
}

export interface Refusal {
  kind: DatabaseErrorKind;
  isPassing: boolean;
  /** The server cancelled it, which it does when its time is up. */
  wasTooLong?: boolean;
}

const NOTHING: Batch = { starts: [], endings: [] };

export class Unsettled {
  #starts: Start[] = [];
  #endings: Ending[] = [];
  #inHand = NOTHING;
  /** Refused alone, in this batch. */
  #refused: Batch = NOTHING;
  readonly #uncertain = new Set<Ending>();
  #sizeMax = BATCH_SIZE_MAX;

  get isEmpty(): boolean {
    return this.#starts.length === 0 && this.#endings.length === 0;
  }

  /** Those of which it is not known whether they have been written. */
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

  /** The part, from the front of what is in hand, is in the database. */
  written(part: Batch): void {
    for (const ending of this.#front(part)) this.#uncertain.delete(ending);
    this.#drop(part);
    this.#sizeMax = Math.min(BATCH_SIZE_MAX, 2 * this.#sizeMax);
  }

  /** The part, from the front of what is in hand, could not be written. */
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

  /** All that is still in hand waits again, first of all; what was refused alone waits behind everything. */
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
