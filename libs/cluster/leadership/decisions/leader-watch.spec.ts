// Does a follower end a leader's session when, and only when, the leader is frozen?
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asId } from '#kernel/ids.js';
import { watchLeader, type LeaderSighting, type LeaderWatch } from './leader-watch.js';

const deadAfterMs = 5_000;
const beatMs = 1_000;
const leader = asId.replica(1);

const sighting = (leaderBeat: number | null, wish: Partial<LeaderSighting> = {}): LeaderSighting => ({
  term: asId.term(3),
  leader,
  leaderBeat,
  ...wish,
});

function follower() {
  let watch: LeaderWatch | null = null;
  let nowMs = 77_000;
  return (seen: LeaderSighting, afterMs = beatMs) => {
    nowMs += afterMs;
    const watched = watchLeader({ watch, sighting: seen, nowMs, deadAfterMs });
    watch = watched.watch;
    return watched.frozen;
  };
}

describe('the watch over the leader', () => {
  it('finds a leader frozen after `deadAfterMs` of standing still, and not before', () => {
    const see = follower();
    const seen = Array.from({ length: 6 }, () => see(sighting(9)));
    expect(seen).toEqual([null, null, null, null, null, leader]);
  });

  it('never finds a leader frozen whose beats go on, however slowly within `deadAfterMs`', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 2_400 }), { maxLength: 50 }), (pauses) => {
        const see = follower();
        expect(pauses.map((pause, beat) => see(sighting(beat), pause))).toEqual(pauses.map(() => null));
      }),
    );
  });

  it('starts anew when it slept itself', () => {
    const see = follower();
    see(sighting(9));
    expect(see(sighting(9), 60_000)).toBeNull();
    expect(see(sighting(9))).toBeNull();
  });

  it('starts anew with each term', () => {
    const see = follower();
    for (let beat = 0; beat < 5; beat += 1) see(sighting(9));
    expect(see(sighting(9, { term: asId.term(4), leader: asId.replica(2) }))).toBeNull();
  });

  it('has nobody to end when nobody leads, or the leader has gone', () => {
    const see = follower();
    expect(Array.from({ length: 9 }, () => see(sighting(null)))).toEqual(
      Array.from({ length: 9 }, () => null),
    );
  });
});
