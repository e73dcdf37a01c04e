// The leader's sweep: each pass looks whether every replica lives, declares dead ones dead, and moves the slots to
// where the ring wants them. It reads freely, and decides only through its term; that a replica misses its
// beats, by which nothing is decided, it records without.
import type { Clock } from '#kernel/clock.js';
import type { ReplicaNumber } from '#kernel/ids.js';
import { SLEEP_MS, type Loop } from '#kernel/loop.js';
import { Topic } from '#kernel/topic.js';
import { insertEvent } from '#cluster/cluster-event.repository.js';
import type { ClusterSettings } from '#cluster/cluster-settings.js';
import { inheritedMemory, judgeLiveness, NOTHING_OBSERVED, type Death } from './decisions/liveness.js';
import { preferredLeader } from './decisions/preferred-leader.js';
import type { HintsLoop } from '#cluster/hints/hints-loop.js';
import type { Leader, Leadership } from '#cluster/leadership/leadership.js';
import { holdGateAlone } from '#cluster/membership/replica-gate.js';
import { markDead } from '#cluster/membership/replica.repository.js';
import { sessionName, terminateSessions } from '#cluster/membership/session-end.repository.js';
import { SlotPlacement } from '#cluster/slots/slot-placement.js';
import { sweep, type SweepRow } from './sweep.repository.js';

/** A replica that misses this many beats is worth a line. */
const SILENT_BEATS = 2.5;

export class SweepLoop implements Loop {
  readonly name = 'sweep';
  readonly died = new Topic<ReplicaNumber>();
  #memory = NOTHING_OBSERVED;
  #sweptFor: Leader | null = null;
  readonly #silent = new Set<ReplicaNumber>();
  readonly #steadySinceMs = new Map<ReplicaNumber, number>();
  readonly #placement: SlotPlacement;

  constructor(
    private readonly leadership: Leadership,
    private readonly hints: HintsLoop,
    private readonly settings: ClusterSettings,
    private readonly clock: Clock,
  ) {
    this.#placement = new SlotPlacement(leadership, hints);
  }

  async runOnce(): Promise<number> {
    const leader = this.leadership.current();
    if (leader === null) return SLEEP_MS;
    if (this.#sweptFor !== leader) {
      this.#memory = inheritedMemory(leader.predecessor);
      this.#silent.clear();
      this.#steadySinceMs.clear();
      this.#sweptFor = leader;
    }
    const rows = await sweep(leader.incarnation.db);
    const { memory, deaths } = judgeLiveness({
      memory: this.#memory,
      // Without sessions no crash can be seen: every replica counts as holding its lock.
      sightings:
        this.settings.liveness === 'sessions' ? rows : rows.map((row) => ({ ...row, lockHeld: true })),
      self: leader.incarnation.replica,
      nowMs: this.clock.monotonicMs(),
      deadAfterMs: this.settings.deadAfterMs,
      crashedAfterMs: this.settings.crashedAfterMs,
    });
    this.#memory = memory;
    const { declared, errors } = await this.#declareAll(leader, deaths);
    // One whose death could not be written keeps its slots: it may still live.
    const living = rows.filter(({ replica }) => !declared.has(replica));
    await this.#noteSilence(leader, living);
    await this.#placement.placeSlots(leader, living);
    this.#handLeadershipOn(leader, living);
    if (errors.length > 0) throw errors[0];
    return this.settings.sweepMs;
  }

  /** A dead replica whose gate can't be had yet holds up no other, nor the placement. */
  async #declareAll(
    leader: Leader,
    deaths: readonly Death[],
  ): Promise<{ declared: Set<ReplicaNumber>; errors: unknown[] }> {
    const declared = new Set<ReplicaNumber>();
    const errors: unknown[] = [];
    for (const death of deaths) {
      try {
        await this.#declareDead(leader, death);
        declared.add(death.replica);
      } catch (error) {
        errors.push(error);
      }
    }
    return { declared, errors };
  }

  /** One event when a replica misses its beats, so that a failover's story has its beginning. */
  async #noteSilence(leader: Leader, living: readonly SweepRow[]): Promise<void> {
    for (const { replica } of living) {
      const silentMs = this.#silentMs(replica);
      const silent = silentMs > SILENT_BEATS * this.settings.heartbeatMs;
      if (silent && !this.#silent.has(replica)) {
        const { term, incarnation } = leader;
        await insertEvent(incarnation.db, {
          type: 'replica-silent',
          term,
          replica,
          data: { silentMs: Math.round(silentMs) },
        });
      }
      if (silent) this.#silent.add(replica);
      else this.#silent.delete(replica);
    }
  }

  #handLeadershipOn(leader: Leader, living: readonly SweepRow[]): void {
    const nowMs = this.clock.monotonicMs();
    for (const { replica } of living) {
      if (this.#silent.has(replica)) this.#steadySinceMs.delete(replica);
      else if (!this.#steadySinceMs.has(replica)) this.#steadySinceMs.set(replica, nowMs);
    }
    // A new leader starts its watch anew: while a replica is silent, that would only delay the failover.
    if (living.some(({ replica }) => this.#silent.has(replica))) return;
    const successor = preferredLeader({
      candidates: living,
      self: leader.incarnation.replica,
      steadySinceMs: (replica) => this.#steadySinceMs.get(replica) ?? null,
      nowMs,
      steadyMs: this.settings.deadAfterMs,
    });
    if (successor === null) return;
    this.hints.send({ kind: 'term', to: successor });
    this.leadership.yieldTo(successor);
    this.leadership.standDown(`replica ${successor} is preferred`);
  }

  #silentMs(replica: ReplicaNumber): number {
    const observation = this.#memory.observations.get(replica);
    return observation === undefined ? 0 : this.clock.monotonicMs() - observation.changedAtMs;
  }

  async #declareDead(leader: Leader, { replica, reason, silentMs }: Death): Promise<void> {
    // Its sessions go first: a frozen one may hold the gate, or a row that the sweep needs. The server itself ends a
    // session that this role may not end, once it has stood still for `deadAfterMs`. Until then the gate keeps us from
    // going on: slower, but safe.
    const { ended: sessions, remaining: sessionsLeft } = await terminateSessions(
      leader.incarnation.db,
      sessionName(replica),
    );
    const result = await this.leadership.write(leader, async (tx) => {
      await holdGateAlone(tx, replica);
      const dead = await markDead(tx, { replica, term: leader.term, reason });
      if (dead) {
        const data = { reason, silentMs: Math.round(silentMs), sessions, sessionsLeft };
        await insertEvent(tx, { type: 'replica-dead', term: leader.term, replica, data });
      }
      return dead;
    });
    if (result.kind === 'done' && result.value) this.died.publish(replica);
  }
}
