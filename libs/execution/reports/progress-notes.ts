// What have running attempts last said of themselves? Only the newest word of each is kept, until it is written; what
// is still unwritten when an attempt ends is handed over with its end, so that the last word is never lost.
import type { RunId } from '#kernel/ids.js';
import { Topic } from '#kernel/topic.js';
import type { ProgressNote } from './progress.repository.js';

interface Noted {
  readonly note: ProgressNote;
  /** It changed since it was last taken. */
  isNew: boolean;
}

export class ProgressNotes {
  /** There is something to write. */
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

  /** What has changed, for writing; each stays here until it is `written`. */
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

  /** Forgets what was taken and written, unless something newer has come since. */
  written(notes: readonly ProgressNote[]): void {
    for (const note of notes) {
      if (this.#noted.get(note.runId)?.note === note) this.#noted.delete(note.runId);
    }
  }

  /** What was taken could not be written, and is to be tried again. */
  unwritten(notes: readonly ProgressNote[]): void {
    for (const note of notes) {
      const noted = this.#noted.get(note.runId);
      if (noted?.note !== note || noted.isNew) continue;
      noted.isNew = true;
      this.#new += 1;
    }
  }

  /** What may not have been written yet; it stays here. */
  last(runId: RunId): ProgressNote | null {
    return this.#noted.get(runId)?.note ?? null;
  }

  /** The attempt is over: what may not have been written yet is its caller's to write. */
  takeLast(runId: RunId): ProgressNote | null {
    const noted = this.#noted.get(runId);
    if (noted === undefined) return null;
    this.#noted.delete(runId);
    if (noted.isNew) this.#new -= 1;
    return noted.note;
  }
}
