// Writes progress once a second for all attempts together, so that a handler that reports each of its rows costs no
// more than one that reports every minute.
import type { Membership } from '#cluster/membership/membership.js';
import type { Clock } from '#kernel/clock.js';
import { SLEEP_MS, type Loop } from '#kernel/loop.js';
import { Pace } from '#kernel/pace.js';
import type { ProgressNotes } from './progress-notes.js';
import { writeProgress } from './progress.repository.js';

const WRITE_EVERY_MS = 1_000;

export class ProgressLoop implements Loop {
  readonly name = 'progress';
  readonly #writing = new Pace(WRITE_EVERY_MS);

  constructor(
    private readonly membership: Membership,
    private readonly notes: ProgressNotes,
    private readonly clock: Clock,
  ) {}

  async runOnce(): Promise<number> {
    const { incarnation } = this.membership;
    if (incarnation === null || this.notes.isEmpty) return SLEEP_MS;
    const nowMs = this.clock.monotonicMs();
    const restMs = this.#writing.dueInMs(nowMs);
    if (restMs > 0) return restMs;
    this.#writing.done(nowMs);
    const notes = this.notes.take();
    try {
      const result = await this.membership.write(incarnation, (tx) => writeProgress(tx, notes, 'under-way'));
      if (result.kind === 'fenced') return SLEEP_MS;
      this.notes.written(notes.filter(({ runId }) => result.value.has(runId)));
      this.notes.unwritten(notes.filter(({ runId }) => !result.value.has(runId)));
    } catch (error) {
      this.notes.unwritten(notes);
      throw error;
    }
    return this.notes.isEmpty ? SLEEP_MS : WRITE_EVERY_MS;
  }
}
