// Finds the next due times of schedules whose due times follow from runs. The leader does it, twice a second while there
// are such schedules, from notes that are written with the end of each run; so nothing is lost with a leader, and the next
// one goes on. A note is forgotten in the transaction that has made something of it. Where the planner has moved a schedule
// past a due time that came to be known in that moment, it goes back. A schedule that waits for a run which is over already
// is found without a note as well.
import type { Leader, Leadership } from '#cluster/leadership/leadership.js';
import type { AskedLoop } from '#cluster/lookout/lookout-loop.js';
import type { Database } from '#database/connection.js';
import type { Clock } from '#kernel/clock.js';
import type { ScheduleId } from '#kernel/ids.js';
import { ASKED_SLEEP_MS, SLEEP_MS } from '#kernel/loop.js';
import { Topic } from '#kernel/topic.js';
import * as chains from './chain.repository.js';
import { nextInChain } from './decisions/next-in-chain.js';
import { place, type NotedSuccess } from './decisions/place.js';
import * as notes from './following.repository.js';

const LOOK_MS = 500;
const QUIET_LOOK_MS = 10_000;
/** A change of a schedule, or its planning, takes a few milliseconds. */
const HELD_LOOK_MS = 50;
const NOTES_PER_PASS = 500;
/** Two successes in one millisecond are rare, and a hundred are not there. */
const SAME_INSTANT_MS = 100;

type Success = notes.Note & NotedSuccess;

export class FollowingLoop implements AskedLoop {
  readonly name = 'following';
  readonly question = notes.isAnyFollowing;
  /** Schedules have a next due time. */
  readonly found = new Topic<void>();
  #quietAtMs = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly leadership: Leadership,
    private readonly clock: Clock,
  ) {}

  async runOnce(): Promise<number> {
    const leader = this.leadership.current();
    if (leader === null) return SLEEP_MS;
    const { db } = leader.incarnation;
    const { isAny, isNoted, isSoon } = await notes.lookForNotes(db);
    const noted = isNoted ? await notes.readNotes(db, NOTES_PER_PASS) : [];
    const quiet = isAny ? await this.#findQuiet(db) : [];
    if (noted.length + quiet.length === 0 && !isSoon) return isAny ? LOOK_MS : ASKED_SLEEP_MS;
    const areAllFree = await this.#settle(leader, { noted, quiet });
    if (!areAllFree) return HELD_LOOK_MS;
    return noted.length === NOTES_PER_PASS ? 0 : LOOK_MS;
  }

  async #findQuiet(db: Database): Promise<ScheduleId[]> {
    const nowMs = this.clock.monotonicMs();
    if (nowMs - this.#quietAtMs < QUIET_LOOK_MS) return [];
    const quiet = await chains.findQuiet(db, NOTES_PER_PASS);
    this.#quietAtMs = nowMs;
    return quiet;
  }

  /** False when notes are left for a moment, since their schedules are held. */
  async #settle(
    leader: Leader,
    { noted, quiet }: { noted: readonly notes.Note[]; quiet: readonly ScheduleId[] },
  ): Promise<boolean> {
    const written = await this.leadership.write(leader, async (tx) => {
      const asked = noted.flatMap(({ scheduleId, isOfItsSpec }) => (isOfItsSpec ? [scheduleId] : []));
      const free = await notes.holdFree(tx, [...new Set([...asked, ...quiet])]);
      const valid = noted.filter(({ scheduleId, isOfItsSpec }) => isOfItsSpec && free.has(scheduleId));
      const waiting = valid.flatMap(({ scheduleId, dueAt }) => (dueAt === null ? [scheduleId] : []));
      const successes = valid.filter((note): note is Success => note.dueAt !== null);
      const chainIds = [...new Set([...waiting, ...quiet.filter((id) => free.has(id))])];
      const { now, chains: found } = await chains.readChains(tx, chainIds);
      const next = found.flatMap(({ id, revision, ...facts }) => {
        const dueAt = nextInChain(facts, now);
        return dueAt === null ? [] : [{ id, revision, dueAt }];
      });
      await chains.setNextInChain(tx, next);
      const placed = placeAll(successes, await notes.takenSince(tx, sinceOf(successes)));
      await notes.placeNotes(tx, placed);
      const isBack = await notes.goBackToUndecided(tx);
      const kept = new Set(placed.map(({ id }) => id));
      const isLeft = ({ scheduleId, isOfItsSpec }: notes.Note) => isOfItsSpec && !free.has(scheduleId);
      await notes.forgetNotes(
        tx,
        noted.flatMap((note) => (kept.has(note.id) || isLeft(note) ? [] : [note.id])),
      );
      await notes.forgetDecided(tx);
      return { isFound: next.length + placed.length > 0 || isBack, areAllFree: !noted.some(isLeft) };
    });
    if (written.kind !== 'done') return true;
    if (written.value.isFound) this.found.publish();
    return written.value.areAllFree;
  }
}

function sinceOf(successes: readonly Success[]): { scheduleId: ScheduleId; since: Date }[] {
  return [...Map.groupBy(successes, ({ scheduleId }) => scheduleId)].map(([scheduleId, ofOne]) => ({
    scheduleId,
    since: new Date(Math.min(...ofOne.map(({ dueAt }) => dueAt.getTime())) - SAME_INSTANT_MS),
  }));
}

function placeAll(
  successes: readonly Success[],
  taken: ReadonlyMap<ScheduleId, Set<number>>,
): { id: number; scheduleId: ScheduleId; dueAt: Date }[] {
  return successes.flatMap(({ id, scheduleId, ...noted }) => {
    const dueAt = place(noted, taken.get(scheduleId) ?? new Set());
    return dueAt === null ? [] : [{ id, scheduleId, dueAt }];
  });
}
