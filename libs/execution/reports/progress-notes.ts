// The newest unwritten progress and details of each running attempt. A note that is still unwritten when its attempt
// ends is handed over with the end, so that the last one is never lost.
import type { RunId } from '#kernel/ids.js';
import { Topic } from '#kernel/topic.js';
import type { ProgressNote } from './progress.repository.js';

interface Noted {
  readonly note: ProgressNote;
  /** It changed since it was last taken. */
  isNew: boolean;
}

export class ProgressNotes {
  /** A note waits to be written. */
  readonly pending = new Topic<void>();
  readonly #noted = new Map<RunId, Noted>();
  #new = 0;

  get isEmpty(): boolean {
    return this.#new === 0;
  }

  note(part: Pick<ProgressNote, 'runId' | 'attempt'> & Partial<ProgressNote>): void {
    const before = this.#noted.get(part.runId);
    const note = { progressJson: null, detailsJson: null, ...before?.note, ...part };
    if (before?.isNew !== true) this.#new += 1;
    this.#noted.set(part.runId, { note, isNew: true });
    if (this.#new === 1) this.pending.publish();
  }

  /** The notes that have changed, to be written; each stays here until it is `written`. */
  take(): ProgressNote[] {
    const taken: ProgressNote[] = [];
    for (const noted of this.#noted.values()) {
      if (!noted.isNew) continue;
      noted.isNew = false;
      taken.push(noted.note);
    }
    this.#new = 0;
    return taken;
  }

  /** Forgets notes that were taken and written, unless a newer one has come since. */
  written(notes: readonly ProgressNote[]): void {
    for (const note of notes) {
      if (this.#noted.get(note.runId)?.note === note) this.#noted.delete(note.runId);
    }
  }

  /** Marks notes that could not be written, so that they are taken again. */
  unwritten(notes: readonly ProgressNote[]): void {
    for (const note of notes) {
      const noted = this.#noted.get(note.runId);
      if (noted?.note !== note || noted.isNew) continue;
      noted.isNew = true;
      this.#new += 1;
    }
  }

  /** The note that may not have been written yet; it stays here. */
  last(runId: RunId): ProgressNote | null {
    return this.#noted.get(runId)?.note ?? null;
  }

  /** Removes the note of an attempt that is over; the caller must write it. */
  takeLast(runId: RunId): ProgressNote | null {
    const noted = this.#noted.get(runId);
    if (noted === undefined) return null;
    this.#noted.delete(runId);
    if (noted.isNew) this.#new -= 1;
    return noted.note;
  }
}
