// Are durations that would tear a cluster apart refused, and in words that tell what to change?
import { describe, expect, it } from 'vitest';
import { ConfigError } from '#kernel/errors.js';
import { asId } from '#kernel/ids.js';
import { checkClusterSettings, DEFAULT_CLUSTER_SETTINGS, type ClusterSettings } from './cluster-settings.js';
import { judgeLiveness, NOTHING_OBSERVED } from '#cluster/sweep/decisions/liveness.js';

const check = (wish: Partial<ClusterSettings>) =>
  checkClusterSettings({ ...DEFAULT_CLUSTER_SETTINGS, ...wish });

describe('the durations of a cluster', () => {
  it('are fine by default', () => {
    expect(check({})).toEqual(DEFAULT_CLUSTER_SETTINGS);
  });

  it.each([
    [{ heartbeatMs: 1_667 }, 'deadAfterMs must be at least 3 × heartbeatMs (5001), got 5000'],
    [{ marginMs: 999 }, 'marginMs must be at least deadAfterMs / 5 (1000), got 999'],
    [{ marginMs: 4_000 }, 'marginMs must be below deadAfterMs - heartbeatMs (4000), got 4000'],
    [{ electionMs: 5_000 }, 'electionMs must be between 1 and deadAfterMs (5000), got 5000'],
    [{ electionMs: 0 }, 'electionMs must be between 1 and deadAfterMs (5000), got 0'],
    [{ sweepMs: 626 }, 'sweepMs must be between 1 and deadAfterMs / 8 (625), got 626'],
    [{ sweepMs: 0 }, 'sweepMs must be between 1 and deadAfterMs / 8 (625), got 0'],
    [{ crashedAfterMs: 300 }, 'crashedAfterMs must be from 0 to below sweepMs (300), got 300'],
    [{ crashedAfterMs: -1 }, 'crashedAfterMs must be from 0 to below sweepMs (300), got -1'],
  ])('are refused with %o', (wish, message) => {
    expect(() => check(wish)).toThrow(new ConfigError(message));
  });

  it.each([
    { deadAfterMs: 3_000 },
    { marginMs: 1_000 },
    { marginMs: 3_999 },
    { electionMs: 4_999 },
    { electionMs: 1 },
    { sweepMs: 1, crashedAfterMs: 0 },
    { crashedAfterMs: 299 },
  ])('may go as far as %o', (wish) => {
    expect(check(wish)).toMatchObject(wish);
  });

  it.each(['heartbeatMs', 'deadAfterMs', 'marginMs', 'electionMs', 'sweepMs', 'crashedAfterMs'] as const)(
    'are refused when %s is not a number',
    (name) => {
      expect(() => check({ [name]: Number.NaN })).toThrow(ConfigError);
    },
  );

  it('leave room for a sweep to take its time: a hung replica is found with the slowest sweeps', () => {
    const { deadAfterMs, sweepMs, crashedAfterMs } = check({
      sweepMs: DEFAULT_CLUSTER_SETTINGS.deadAfterMs / 8,
    });
    const hung = { replica: asId.replica(2), beat: 7, lockHeld: true, sessions: 1, sameServer: true };
    let [memory, deaths] = [NOTHING_OBSERVED, 0];
    for (let nowMs = 0; nowMs < 5 * deadAfterMs; nowMs += 2 * sweepMs) {
      const judged = judgeLiveness({
        memory,
        sightings: [hung],
        self: asId.replica(1),
        nowMs,
        deadAfterMs,
        crashedAfterMs,
      });
      memory = judged.memory;
      deaths += judged.deaths.length;
    }
    expect(deaths).toBeGreaterThan(0);
  });

  it('name only what is wrong first', () => {
    expect(() => check({ heartbeatMs: 5_000, marginMs: 0, sweepMs: 0 })).toThrow(/^deadAfterMs/);
  });
});
