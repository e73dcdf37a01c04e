// Which deaths have a reason? The model sees replicas from outside: when each one beat, and when a sweep found none of its
// sessions. By that a death is judged as its verdict commits.
import type { Act } from './transaction.js';
import type { World } from './world.js';

interface Sighting {
  /** The instants of its last beats. */
  beats: number[];
  /** When a sweep last found none of its sessions. */
  unseenAtMs: number;
  /** Since when each sweep has found none, without a beat in between. */
  unseenSinceMs: number;
  /** The session of the last sweep, if that found some of its sessions: who has not heard the answer knows nothing of it. */
  seenBy: number | null;
  /** When a sweep last found it gone for the whole grace. It may come back before that one's verdict is written. */
  missedAtMs: number;
}

/** How far clocks may differ in rate, and how long a verdict may take from sweep to commit. */
const CLOCK_TOLERANCE = 0.99;
const VERDICT_MS = 15_000;

export class Sightings {
  readonly #of = new Map<number, Sighting>();

  constructor(
    private readonly world: World,
    private readonly settings: { readonly deadAfterMs: number; readonly crashedAfterMs: number },
  ) {}

  noteBeat(replica: number): void {
    const sighting = this.#sightingOf(replica);
    sighting.beats.push(this.world.nowMs);
    sighting.unseenSinceMs = Infinity;
  }

  /** A sweep has looked for its sessions. That it has heard an answer is certain when its session asks again. */
  noteLook(replica: number, { sessions, by }: { sessions: number; by: number }): void {
    const sighting = this.#sightingOf(replica);
    const { nowMs } = this.world;
    if (sighting.seenBy === by) sighting.unseenSinceMs = Infinity;
    sighting.seenBy = sessions > 0 ? by : null;
    if (sessions > 0) return;
    sighting.unseenSinceMs = Math.min(sighting.unseenSinceMs, nowMs);
    sighting.unseenAtMs = nowMs;
    if (nowMs - sighting.unseenSinceMs >= this.settings.crashedAfterMs * CLOCK_TOLERANCE)
      sighting.missedAtMs = nowMs;
  }

  judge({ replica, reason }: Act & { kind: 'death' }): void {
    const seen = this.#of.get(replica);
    if (seen === undefined || seen.beats.length === 0) return; // it never beat
    const { nowMs } = this.world;
    if (reason === 'crashed' && nowMs - seen.unseenAtMs <= VERDICT_MS) {
      if (nowMs - seen.missedAtMs <= VERDICT_MS) return;
      const story = `replica ${replica} is declared dead, but no two sweeps a grace apart have missed it`;
      return this.world.violate('no replica dies of a moment', story);
    }
    const recent = seen.beats.filter((_, index) => nowMs - (seen.beats[index + 1] ?? nowMs) <= VERDICT_MS);
    const silences = recent.map((atMs, index) => (recent[index + 1] ?? nowMs) - atMs);
    if (Math.max(...silences) >= this.settings.deadAfterMs * CLOCK_TOLERANCE) return;
    const story = `replica ${replica} is declared dead as ${reason}, but was never silent for longer than ${Math.round(Math.max(...silences))} ms`;
    this.world.violate('no replica dies without a reason', story);
  }

  #sightingOf(replica: number): Sighting {
    let sighting = this.#of.get(replica);
    if (sighting === undefined) {
      const never = Number.NEGATIVE_INFINITY;
      sighting = { beats: [], unseenAtMs: never, unseenSinceMs: Infinity, seenBy: null, missedAtMs: never };
      this.#of.set(replica, sighting);
    }
    return sighting;
  }
}
