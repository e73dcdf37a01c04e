// Is a replica whose beats stand still hung when its time is up, and not before?
import { describe, expect, it } from 'vitest';
import { asId } from '#kernel/ids.js';
import type { LeaderWatch } from '#cluster/leadership/decisions/leader-watch.js';
import {
  crashed,
  beganAtMs,
  deadAfterMs,
  leader,
  peer,
  sighting,
  sweepMs,
} from '#test/support/played-leader.js';
import type { Death, ReplicaSighting } from './liveness.js';

describe('a replica whose beats stand still', () => {
  it('is hung exactly `deadAfterMs` after the leader first saw that beat, by the leader’s own clock', () => {
    const leading = leader();
    leading.sweep([sighting()]);
    expect(leading.sweepFor(deadAfterMs - sweepMs, [sighting()])).toEqual([]);
    expect(leading.sweep([sighting()], { afterMs: sweepMs - 1 })).toEqual([]);
    expect(leading.sweep([sighting()], { afterMs: 1 })).toEqual([
      { replica: peer, reason: 'hung', silentMs: deadAfterMs },
    ]);
  });

  it('begins its time anew with every beat, be it one', () => {
    const leading = leader();
    leading.sweep([sighting({ beat: 7 })]);
    leading.sweepFor(deadAfterMs - sweepMs, [sighting({ beat: 7 })]);
    expect(leading.sweepFor(deadAfterMs, [sighting({ beat: 8 })])).toEqual([]);
    expect(leading.sweep([sighting({ beat: 8 })])).toMatchObject([{ reason: 'hung' }]);
  });

  it('has its full time from the first look of a new leader', () => {
    leader().sweepFor(deadAfterMs - sweepMs, [sighting()]);
    const successor = leader();
    successor.sweep([sighting()]);
    expect(successor.sweepFor(deadAfterMs - sweepMs, [sighting()])).toEqual([]);
    expect(successor.sweep([sighting()])).toMatchObject([{ reason: 'hung' }]);
  });

  it('is not blamed for the time that the leader itself slept', () => {
    const leading = leader();
    leading.sweep([sighting()]);
    expect(leading.sweep([sighting()], { afterMs: deadAfterMs / 4 + 1 })).toEqual([]);
    expect(leading.sweepFor(deadAfterMs - sweepMs, [sighting()])).toEqual([]);
    expect(leading.sweep([sighting()])).toEqual([{ replica: peer, reason: 'hung', silentMs: deadAfterMs }]);
  });

  it('is blamed for the time of a leader that was late by no more than a quarter of `deadAfterMs`', () => {
    const { sweep } = leader();
    sweep([sighting()]);
    const deaths = [1, 2, 3, 4].map(() => sweep([sighting()], { afterMs: deadAfterMs / 4 }));
    expect(deaths).toEqual([[], [], [], [{ replica: peer, reason: 'hung', silentMs: deadAfterMs }]]);
  });

  it('is forgotten when it is gone: a replica of its number would start anew', () => {
    const leading = leader();
    leading.sweep([sighting()]);
    leading.sweepFor(deadAfterMs - 2 * sweepMs, [sighting()]);
    leading.sweep([]);
    expect(leading.sweepFor(deadAfterMs, [sighting()])).toEqual([]);
  });
});

describe('the leader before', () => {
  const seen = { term: asId.term(3), leader: peer, leaderBeat: 7 };
  const silentFor = (ms: number, wish: Partial<LeaderWatch> = {}): { predecessor: LeaderWatch } => ({
    predecessor: { sighting: seen, changedAtMs: beganAtMs - ms, seenAtMs: beganAtMs, ...wish },
  });

  it('is hung `deadAfterMs` after its follower saw it beat last, not after that one leads', () => {
    const leading = leader(silentFor(deadAfterMs - 2 * sweepMs));
    expect(leading.sweep([sighting()])).toEqual([]);
    expect(leading.sweep([sighting()])).toEqual([{ replica: peer, reason: 'hung', silentMs: deadAfterMs }]);
  });

  it('has its full time once it beats again', () => {
    const leading = leader(silentFor(deadAfterMs - sweepMs));
    leading.sweep([sighting({ beat: 8 })]);
    expect(leading.sweepFor(deadAfterMs - sweepMs, [sighting({ beat: 8 })])).toEqual([]);
  });

  it('has one, too, when its follower has slept before it led', () => {
    const leading = leader(silentFor(2 * deadAfterMs, { seenAtMs: beganAtMs - deadAfterMs / 4 }));
    leading.sweep([sighting()]);
    expect(leading.sweepFor(deadAfterMs - sweepMs, [sighting()])).toEqual([]);
  });

  it('is missing when no replica led, or the leader has gone', () => {
    for (const gone of [{ leader: null }, { leaderBeat: null }]) {
      const leading = leader(silentFor(2 * deadAfterMs, { sighting: { ...seen, ...gone } }));
      expect(leading.sweep([sighting()])).toEqual([]);
    }
  });
});

describe('most of several peers that seem hung at once', () => {
  const peers = [2, 3, 4, 5].map(asId.replica);
  /** These stand still, the others go on. */
  const still = (silent: number, beat: number): ReplicaSighting[] =>
    peers.map((replica, index) => sighting({ replica, beat: index < silent ? 0 : beat }));
  const standFor = (leading: ReturnType<typeof leader>, silent: number, ms: number): Death[] =>
    Array.from({ length: ms / sweepMs }, (_, beat) => leading.sweep(still(silent, beat + 1))).flat();

  it('are given as long once more, since the fault is more likely ours than theirs', () => {
    const leading = leader();
    leading.sweep(still(3, 0));
    expect(standFor(leading, 3, 2 * deadAfterMs - sweepMs)).toEqual([]);
    expect(standFor(leading, 3, sweepMs).map(({ replica }) => replica)).toEqual(peers.slice(0, 3));
  });

  it('are forgiven when they are heard again before it is over', () => {
    const leading = leader();
    leading.sweep(still(3, 0));
    standFor(leading, 3, 2 * deadAfterMs - sweepMs);
    expect(leading.sweep(still(0, 99))).toEqual([]);
    // The next time they begin with their full time, and get it once more for being many.
    leading.sweep(still(3, 100));
    expect(standFor(leading, 3, 2 * deadAfterMs - sweepMs)).toEqual([]);
  });

  it('do not cover up a crash', () => {
    const leading = leader();
    leading.sweep(still(3, 0));
    standFor(leading, 3, deadAfterMs);
    const seen = [...still(3, 99), sighting({ replica: asId.replica(6), ...crashed })];
    leading.sweep(seen);
    expect(leading.sweep(seen)).toMatchObject([{ replica: 6, reason: 'crashed' }]);
  });

  it.each([
    ['half of them is not most', peers, 2],
    ['three peers are not several', peers.slice(0, 3), 3],
  ])('are more than that: %s', (_what, those, silent) => {
    const leading = leader();
    const seen = (beat: number) => still(silent, beat).filter(({ replica }) => those.includes(replica));
    leading.sweep(seen(0));
    const deaths = Array.from({ length: deadAfterMs / sweepMs }, (_, beat) => leading.sweep(seen(beat + 1)));
    expect(deaths.at(-1)).toHaveLength(silent);
  });
});
