// Which job types are read together with the one that must be? A schedule of each second or minute needs its job type
// again and again, and each of its instants would read the few that have grown old by then. So those go along that are
// half as old as they may become and were needed since they were read: a replica reads them once in a few seconds, and
// not at each instant.

export interface Aging {
  readonly readAtMs: number;
  /** It was needed after it was read. */
  isUsed: boolean;
}

/** Reading so many takes milliseconds of the event loop. */
const TAKEN_ALONG_MAX = 250;

export class TakenAlong<Asked, Known extends Aging> {
  /** The oldest first. */
  readonly #read = new Map<Known, Asked>();

  noteRead(known: Known, asked: Asked): void {
    this.#read.set(known, asked);
  }

  /** Those that were read no later than this and used since. They come no second time, and the others are forgotten. */
  take(readUntilMs: number): { known: Known; asked: Asked }[] {
    const taken: { known: Known; asked: Asked }[] = [];
    for (const [known, asked] of this.#read) {
      if (known.readAtMs > readUntilMs || taken.length >= TAKEN_ALONG_MAX) break;
      this.#read.delete(known);
      if (known.isUsed) taken.push({ known, asked });
    }
    return taken;
  }
}
