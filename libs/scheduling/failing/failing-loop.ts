// Pauses schedules whose runs fail one after the other, as often as they say. The leader does it, about once a second, by
// the change that a request makes: planned runs are taken back, and the revision grows. Every replica could do it
// safely, so it needs no fence of its term. A note is forgotten once its schedule was looked at; one whose owner hangs is
// looked at again.
import type { Leadership } from '#cluster/leadership/leadership.js';
import type { AskedLoop } from '#cluster/lookout/lookout-loop.js';
import type { Database } from '#database/connection.js';
import type { TenantId } from '#kernel/ids.js';
import { ASKED_SLEEP_MS, SLEEP_MS } from '#kernel/loop.js';
import { Topic } from '#kernel/topic.js';
import { changeSchedule } from '#scheduling/schedules/schedules.js';
import { forgetFailures, isAnyFailure, readFailures, type FailingSchedule } from './failing.repository.js';

const LOOK_MS = 1_000;
const NOTES_PER_PASS = 500;

export class FailingLoop implements AskedLoop {
  readonly name = 'failing';
  readonly question = isAnyFailure;
  /** A schedule was paused. */
  readonly paused = new Topic<{ tenantId: TenantId; name: string; failures: number }>();

  constructor(private readonly leadership: Leadership) {}

  async runOnce(): Promise<number> {
    const leader = this.leadership.current();
    if (leader === null) return SLEEP_MS;
    const { db } = leader.incarnation;
    const { notes, failing } = await readFailures(db, NOTES_PER_PASS);
    if (notes.size === 0) return ASKED_SLEEP_MS;
    const isFull = [...notes.values()].flat().length === NOTES_PER_PASS;
    let isAnyLeft = false;
    for (const schedule of failing) {
      if (await this.#pause(db, schedule)) continue;
      isAnyLeft = true;
      notes.delete(schedule.id);
    }
    await forgetFailures(db, [...notes.values()].flat());
    // What is looked at again stands first, and must not be read again and again.
    return isFull && !isAnyLeft ? 0 : LOOK_MS;
  }

  /** False when it is to be tried again. */
  async #pause(
    db: Database,
    { tenantId, slot, name, revision, failures }: FailingSchedule,
  ): Promise<boolean> {
    const runs = failures === 1 ? 'run' : `${failures} runs`;
    const reason = `its last ${runs} failed (pauseAfterFailures)`;
    const ref = { tenant: { id: tenantId, slot }, name, revision, by: 'carillon' };
    const { kind } = await changeSchedule(db, ref, { kind: 'pause', reason });
    if (kind === 'changed') this.paused.publish({ tenantId, name, failures });
    return kind !== 'owner-hangs' && kind !== 'stale';
  }
}
