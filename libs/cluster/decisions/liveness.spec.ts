// Is the dead replica declared dead, and nobody else ever? A leader is played through sweeps on its own clock.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asId, type ReplicaNumber } from '#kernel/ids.js';
import { judgeLiveness, NOTHING_OBSERVED, type Death, type ReplicaSighting } from './liveness.js';

const leaseMs = 5_000;
const sweepMs = 250;
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

/** One term of a leader: what it remembers lives as long as this does. */
function leader() {
  let memory = NOTHING_OBSERVED;
  let nowMs = 1_000_000;
  return {
    sweep(sightings: readonly ReplicaSighting[], { afterMs = sweepMs } = {}): Death[] {
      nowMs += afterMs;
      const judged = judgeLiveness({ memory, sightings, self, nowMs, leaseMs });
      memory = judged.memory;
      return judged.deaths;
    },
    /** Sweeps as often as it should and sees the same each time. */
    sweepFor(ms: number, sightings: readonly ReplicaSighting[]): Death[] {
      return Array.from({ length: ms / sweepMs }, () => this.sweep(sightings)).flat();
    },
  };
}

describe('a crashed replica', () => {
  it('is dead at the first look, when its lock is free, its sessions are gone and the server is the same', () => {
    expect(leader().sweep([sighting(crashed)])).toEqual([{ replica: peer, reason: 'crashed', silentMs: 0 }]);
  });

  it.each([
    ['holds its lock', { lockHeld: true }],
    ['has a session', { sessions: 1 }],
    ['has not beaten since the server started', { sameServer: false }],
  ])('is alive for now while it %s', (_sign, oneSign) => {
    expect(leader().sweep([sighting({ ...crashed, ...oneSign })])).toEqual([]);
  });

  it('is dead however its beats go on, since nobody is left to beat', () => {
    const { sweep } = leader();
    sweep([sighting({ beat: 7 })]);
    expect(sweep([sighting({ ...crashed, beat: 8 })])).toMatchObject([{ replica: peer, reason: 'crashed' }]);
  });

  it('is dead at once even for a leader that has just slept', () => {
    const { sweep } = leader();
    sweep([sighting()]);
    expect(sweep([sighting(crashed)], { afterMs: 60_000 })).toMatchObject([{ reason: 'crashed' }]);
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
    expect(leading.sweepFor(leaseMs - sweepMs, [sighting(justStarted)])).toEqual([]);
    expect(leading.sweep([sighting(justStarted)])).toEqual([
      { replica: peer, reason: 'hung', silentMs: leaseMs },
    ]);
  });
});

describe('a replica whose beats stand still', () => {
  it('is hung exactly one lease after the leader first saw that beat, by the leader’s own clock', () => {
    const leading = leader();
    leading.sweep([sighting()]);
    expect(leading.sweepFor(leaseMs - sweepMs, [sighting()])).toEqual([]);
    expect(leading.sweep([sighting()], { afterMs: sweepMs - 1 })).toEqual([]);
    expect(leading.sweep([sighting()], { afterMs: 1 })).toEqual([
      { replica: peer, reason: 'hung', silentMs: leaseMs },
    ]);
  });

  it('gets a new lease with every beat, be it one', () => {
    const leading = leader();
    leading.sweep([sighting({ beat: 7 })]);
    leading.sweepFor(leaseMs - sweepMs, [sighting({ beat: 7 })]);
    expect(leading.sweepFor(leaseMs, [sighting({ beat: 8 })])).toEqual([]);
    expect(leading.sweep([sighting({ beat: 8 })])).toMatchObject([{ reason: 'hung' }]);
  });

  it('has a full lease from the first look of a new leader', () => {
    leader().sweepFor(leaseMs - sweepMs, [sighting()]);
    const successor = leader();
    successor.sweep([sighting()]);
    expect(successor.sweepFor(leaseMs - sweepMs, [sighting()])).toEqual([]);
    expect(successor.sweep([sighting()])).toMatchObject([{ reason: 'hung' }]);
  });

  it('is not blamed for the time that the leader itself slept', () => {
    const leading = leader();
    leading.sweep([sighting()]);
    expect(leading.sweep([sighting()], { afterMs: leaseMs / 4 + 1 })).toEqual([]);
    expect(leading.sweepFor(leaseMs - sweepMs, [sighting()])).toEqual([]);
    expect(leading.sweep([sighting()])).toEqual([{ replica: peer, reason: 'hung', silentMs: leaseMs }]);
  });

  it('is blamed for the time of a leader that was late by no more than a quarter of the lease', () => {
    const { sweep } = leader();
    sweep([sighting()]);
    const deaths = [1, 2, 3, 4].map(() => sweep([sighting()], { afterMs: leaseMs / 4 }));
    expect(deaths).toEqual([[], [], [], [{ replica: peer, reason: 'hung', silentMs: leaseMs }]]);
  });

  it('is forgotten when it is gone: a replica of its number would start anew', () => {
    const leading = leader();
    leading.sweep([sighting()]);
    leading.sweepFor(leaseMs - 2 * sweepMs, [sighting()]);
    leading.sweep([]);
    expect(leading.sweepFor(leaseMs, [sighting()])).toEqual([]);
  });
});

describe('a leader', () => {
  it('never judges itself', () => {
    const leading = leader();
    const myself = sighting({ replica: self, ...crashed });
    expect(leading.sweepFor(3 * leaseMs, [myself])).toEqual([]);
  });

  it('judges each replica by itself', () => {
    const leading = leader();
    const [dead, hung, healthy] = [3, 4, 5].map(asId.replica) as [
      ReplicaNumber,
      ReplicaNumber,
      ReplicaNumber,
    ];
    leading.sweep([sighting({ replica: hung }), sighting({ replica: healthy })]);
    leading.sweepFor(leaseMs - sweepMs, [sighting({ replica: hung }), sighting({ replica: healthy })]);
    const deaths = leading.sweep([
      sighting({ replica: dead, ...crashed }),
      sighting({ replica: hung }),
      sighting({ replica: healthy, beat: 8 }),
    ]);
    expect(deaths.map(({ replica, reason }) => [replica, reason])).toEqual([
      [dead, 'crashed'],
      [hung, 'hung'],
    ]);
  });
});

describe('whatever the clock does', () => {
  /** From no time at all to many leases between two sweeps. */
  const gaps = fc.array(fc.oneof(fc.nat(2 * sweepMs), fc.nat(20 * leaseMs)), { minLength: 1, maxLength: 60 });
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

  it('nobody is hung in less than a lease, nor while a pause of the leader lies in between', () => {
    fc.assert(
      fc.property(gaps, fc.array(fc.boolean(), { minLength: 60, maxLength: 60 }), (pauses, beats) => {
        const { sweep } = leader();
        let [beat, stillForMs] = [0, 0];
        for (const [index, afterMs] of pauses.entries()) {
          const slept = index > 0 && afterMs > leaseMs / 4;
          const beaten = beats[index] === true;
          if (beaten) beat += 1;
          stillForMs = index === 0 || beaten || slept ? 0 : stillForMs + afterMs;
          const expected = stillForMs >= leaseMs ? ['hung'] : [];
          expect(sweep([sighting({ beat })], { afterMs }).map(({ reason }) => reason)).toEqual(expected);
        }
      }),
    );
  });
});
