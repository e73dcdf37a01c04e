// The bed where no session can be had for long: control sessions go through the pooler, too, and
// CARILLON_LIVENESS=heartbeats does without locks and hints. There, the others notice after `deadAfterMs` that a
// replica is gone.
import { AFTER_SILENCE, type FaultLimits } from '../faults.js';
import type { Bed } from './bed.js';
import { pgbouncer } from './pgbouncer.js';

export const heartbeats: Bed = {
  name: 'heartbeats',
  async prepare(server, databaseUrl) {
    const ground = await pgbouncer.prepare(server, databaseUrl);
    const { work } = ground.ports;
    return {
      ...ground,
      ports: { ...ground.ports, ...(work === undefined ? {} : { session: work }) },
      env: { ...ground.env, CARILLON_LIVENESS: 'heartbeats' },
    };
  },
  limited(kind) {
    const { limits, ...rest } = pgbouncer.limited(kind);
    return { ...rest, limits: atLeastSilence(limits) };
  },
};

function atLeastSilence(limits: FaultLimits): FaultLimits {
  return {
    termMs: Math.max(limits.termMs, AFTER_SILENCE.termMs),
    slotsMs: Math.max(limits.slotsMs, AFTER_SILENCE.slotsMs),
    restartMs: Math.max(limits.restartMs, AFTER_SILENCE.restartMs),
    latenessMs: Math.max(limits.latenessMs, AFTER_SILENCE.latenessMs),
  };
}
