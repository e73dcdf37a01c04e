// Is the dead replica declared dead, and no other one ever? A crash is seen at once, and an odd clock kills no replica.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asId } from '#kernel/ids.js';
import {
  crashed,
  crashedAfterMs,
  deadAfterMs,
  leader,
  peer,
  self,
  sighting,
  sweepMs,
} from '#test/support/played-leader.js';

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
    expect(sweep([sighting(crashed)], { afterMs: crashedAfterMs - 1 })).toEqual([]);
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
