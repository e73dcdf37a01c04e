// Is the dead replica declared dead, and no other one ever? A leader is played through sweeps on its own clock.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asId } from '#kernel/ids.js';
import type { LeaderWatch } from '#cluster/leadership/decisions/leader-watch.js';
import { inheritedMemory, judgeLiveness, type Death, type ReplicaSighting } from './liveness.js';

const deadAfterMs = 5_000;
const sweepMs = 250;
const graceMs = 125;
const self = asId.replica(1);
const peer = asId.replica(2);

/** A healthy replica, but for what the test is about. */
const sighting = (wish: Partial<ReplicaSighting> = {}): ReplicaSighting => ({
  replica: peer,
  beat: 7,
  lockHeld: true,
  sessions: 3,
  sameServer: true,
  ...wish,
});
const crashed = { lockHeld: false, sessions: 0, sameServer: true };

const beganAtMs = 1_000_000;

/** One term of a leader: what it remembers lives as long as this does. */
function leader({ predecessor = null }: { predecessor?: LeaderWatch | null } = {}) {
  let memory = inheritedMemory(predecessor);
  let nowMs = beganAtMs;
  const sweep = (sightings: readonly ReplicaSighting[], { afterMs = sweepMs } = {}): Death[] => {
    nowMs += afterMs;
    const judged = judgeLiveness({ memory, sightings, self, nowMs, deadAfterMs, graceMs });
    memory = judged.memory;
    return judged.deaths;
  };
  /** Sweeps as often as it should and sees the same each time. */
  const sweepFor = (ms: number, sightings: readonly ReplicaSighting[]): Death[] =>
    Array.from({ length: ms / sweepMs }, () => sweep(sightings)).flat();
  return { sweep, sweepFor };
}

describe('a crashed replica', () => {
  it('is dead at the second look at which its lock is free, its sessions are gone and the server is the same', () => {
    const { sweep } = leader();
    expect(sweep([sighting(crashed)])).toEqual([]);
    expect(sweep([sighting(crashed)])).toEqual([{ replica: peer, reason: 'crashed', silentMs: sweepMs }]);
  });

  it('has the grace to itself, however often the leader looks', () => {
    const { sweep } = leader();
    sweep([sighting()]);
    expect(sweep([sighting(crashed)])).toEqual([]);
    expect(sweep([sighting(crashed)], { afterMs: graceMs - 1 })).toEqual([]);
    expect(sweep([sighting(crashed)], { afterMs: 1 })).toMatchObject([{ replica: peer, reason: 'crashed' }]);
  });

  it.each([
    ['holds its lock', { lockHeld: true }],
    ['has a session', { sessions: 1 }],
    ['has not beaten since the server started', { sameServer: false }],
  ])('is alive for now while it %s', (_sign, oneSign) => {
    expect(leader().sweepFor(deadAfterMs, [sighting({ ...crashed, ...oneSign })])).toEqual([]);
  });

  it('is dead a look later for a leader that has just slept, and may have slept on the same machine', () => {
    const { sweep } = leader();
    sweep([sighting(crashed)]);
    expect(sweep([sighting(crashed)], { afterMs: 60_000 })).toEqual([]);
    expect(sweep([sighting(crashed)])).toMatchObject([{ reason: 'crashed' }]);
  });
});

describe('a replica whose connections are all reset for a moment', () => {
  it('is alive when it is back at the next look', () => {
    const { sweep } = leader();
    for (let round = 0; round < 10; round += 1) {
      expect(sweep([sighting(crashed)])).toEqual([]);
      expect(sweep([sighting()])).toEqual([]);
    }
  });

  it('is alive when it has beaten between two looks, though it is gone at both', () => {
    const { sweep } = leader();
    for (let beat = 1; beat <= 10; beat += 1) expect(sweep([sighting({ ...crashed, beat })])).toEqual([]);
  });
});

describe('a restart of the server', () => {
  const justStarted = { lockHeld: false, sessions: 0, sameServer: false };

  it('kills nobody, though it frees every lock and ends every session', () => {
    const { sweep } = leader();
    const all = [sighting({ replica: self }), sighting(), sighting({ replica: asId.replica(3) })];
    sweep(all);
    expect(sweep(all.map((one) => ({ ...one, ...justStarted })))).toEqual([]);
  });

  it('does not protect for ever who never comes back', () => {
    const leading = leader();
    leading.sweep([sighting()]);
    expect(leading.sweepFor(deadAfterMs - sweepMs, [sighting(justStarted)])).toEqual([]);
    expect(leading.sweep([sighting(justStarted)])).toEqual([
      { replica: peer, reason: 'hung', silentMs: deadAfterMs },
    ]);
  });
});

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

  it('is nobody when nobody led, or the one who did has gone', () => {
    for (const gone of [{ leader: null }, { leaderBeat: null }]) {
      const leading = leader(silentFor(2 * deadAfterMs, { sighting: { ...seen, ...gone } }));
      expect(leading.sweep([sighting()])).toEqual([]);
    }
  });
});

describe('a leader', () => {
  it('never judges itself', () => {
    const leading = leader();
    const myself = sighting({ replica: self, ...crashed });
    expect(leading.sweepFor(3 * deadAfterMs, [myself])).toEqual([]);
  });

  it('judges each replica by itself', () => {
    const leading = leader();
    const [dead, hung, healthy] = [asId.replica(3), asId.replica(4), asId.replica(5)];
    leading.sweep([sighting({ replica: hung }), sighting({ replica: healthy })]);
    leading.sweepFor(deadAfterMs - 2 * sweepMs, [
      sighting({ replica: hung }),
      sighting({ replica: healthy }),
    ]);
    const seen = [
      sighting({ replica: dead, ...crashed }),
      sighting({ replica: hung }),
      sighting({ replica: healthy, beat: 8 }),
    ];
    expect(leading.sweep(seen)).toEqual([]);
    const deaths = leading.sweep(seen);
    expect(deaths.map(({ replica, reason }) => [replica, reason])).toEqual([
      [dead, 'crashed'],
      [hung, 'hung'],
    ]);
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

describe('whatever the clock does', () => {
  const gap = fc.oneof(fc.nat(2 * sweepMs), fc.nat(20 * deadAfterMs));
  const gaps = fc.array(gap, { minLength: 1, maxLength: 60 });
  const anySign = fc.record({ lockHeld: fc.boolean(), sessions: fc.nat(5), sameServer: fc.boolean() });

  it('a replica that beats between any two sweeps and has a session is never dead', () => {
    fc.assert(
      fc.property(gaps, anySign, (pauses, sign) => {
        const { sweep } = leader();
        const deaths = pauses.flatMap((afterMs, beat) =>
          sweep([sighting({ ...sign, sessions: sign.sessions + 1, beat })], { afterMs }),
        );
        expect(deaths).toEqual([]);
      }),
    );
  });

  it('no replica is hung in less than `deadAfterMs`, nor while a pause of the leader lies in between', () => {
    fc.assert(
      fc.property(gaps, fc.array(fc.boolean(), { minLength: 60, maxLength: 60 }), (pauses, beats) => {
        const { sweep } = leader();
        let [beat, stillForMs] = [0, 0];
        for (const [index, afterMs] of pauses.entries()) {
          const slept = index > 0 && afterMs > deadAfterMs / 4;
          const beaten = beats[index] === true;
          if (beaten) beat += 1;
          stillForMs = index === 0 || beaten || slept ? 0 : stillForMs + afterMs;
          const expected = stillForMs >= deadAfterMs ? ['hung'] : [];
          expect(sweep([sighting({ beat })], { afterMs }).map(({ reason }) => reason)).toEqual(expected);
        }
      }),
    );
  });
});
