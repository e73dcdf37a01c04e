// Ends leases whose time is up. The leader does it, so that one replica looks for them: it ends a bounded number in
// each pass. It proves no term, because the lease's own row decides: two such loops would merely find different rows.
import type { HintsLoop } from '#cluster/hints/hints-loop.js';
import type { Leadership } from '#cluster/leadership/leadership.js';
import type { AskedLoop } from '#cluster/lookout/lookout-loop.js';
import type { Database } from '#database/connection.js';
import type { Clock, Random } from '#kernel/clock.js';
import { ASKED_SLEEP_MS, SLEEP_MS } from '#kernel/loop.js';
import { Pace } from '#kernel/pace.js';
import { forgetEnds } from './lease-end.repository.js';
import { endExpired } from './lease-ends.js';
import { hurryPushed, isAnyLease, nextExpiryMs, offerUnheardAgain } from './lease.repository.js';
import { forgetWorkers } from './worker.repository.js';

const LEASES_PER_PASS = 50;
/** The longest rest between two passes: a lease made meanwhile expires at most this late. */
const LOOK_MS = 1_000;
const FORGET_EVERY_MS = 60_000;
const FORGOTTEN_PER_PASS = 5_000;
const REMEMBERED_MS = 86_400_000;

export class OverdueLeasesLoop implements AskedLoop {
  readonly name = 'overdue-leases';
  readonly question = isAnyLease;
  readonly #forgetting = new Pace(FORGET_EVERY_MS);

  constructor(
    private readonly leadership: Leadership,
    private readonly hints: HintsLoop,
    /** `graceMs`: how long a worker or endpoint may take to stop after a run was cancelled. */
    private readonly source: { clock: Clock; random: Random; graceMs: number },
  ) {}

  async runOnce(): Promise<number> {
    const leader = this.leadership.current();
    if (leader === null) return SLEEP_MS;
    const { db } = leader.incarnation;
    await this.#forget(db);
    if ((await nextExpiryMs(db)) === null) return ASKED_SLEEP_MS;
    await hurryPushed(db, this.source);
    const waitMs = (await nextExpiryMs(db)) ?? LOOK_MS;
    if (waitMs > 0) return Math.min(waitMs, LOOK_MS);
    const offered = await offerUnheardAgain(db, { limit: LEASES_PER_PASS });
    if (offered > 0) this.hints.send({ kind: 'offers' });
    const slots = await endExpired(db, { limit: LEASES_PER_PASS, random: this.source.random });
    if (slots.length > 0) {
      this.hints.send({ kind: 'work', slots });
      // They may have held locks.
      this.hints.send({ kind: 'locks' });
    }
    return offered + slots.length > 0 ? 0 : LOOK_MS;
  }

  async #forget(db: Database): Promise<void> {
    const nowMs = this.source.clock.monotonicMs();
    if (this.#forgetting.dueInMs(nowMs) > 0) return;
    await forgetEnds(db, { olderThanMs: REMEMBERED_MS, limit: FORGOTTEN_PER_PASS });
    await forgetWorkers(db, { silentForMs: REMEMBERED_MS, limit: FORGOTTEN_PER_PASS });
    this.#forgetting.done(nowMs);
  }
}
