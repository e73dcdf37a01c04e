// The bed where no session can be had for long: control sessions go through the pooler, too, and CARILLON_LIVENESS=leases does
// without locks and hints. Whatever happens to a replica is noticed after a lease there.
import { AFTER_LEASE, type FaultLimits } from '../faults.js';
import type { Bed } from './bed.js';
import { pgbouncer } from './pgbouncer.js';

export const leases: Bed = {
  name: 'leases',
  async prepare(server, databaseUrl) {
    const ground = await pgbouncer.prepare(server, databaseUrl);
    const { work } = ground.ports;
    return {
      ...ground,
      ports: { ...ground.ports, ...(work === undefined ? {} : { session: work }) },
      env: { ...ground.env, CARILLON_LIVENESS: 'leases' },
    };
  },
  limited(kind) {
    const { limits, ...rest } = pgbouncer.limited(kind);
    return { ...rest, limits: atLeastLease(limits) };
  },
};

function atLeastLease(limits: FaultLimits): FaultLimits {
  return {
    termMs: Math.max(limits.termMs, AFTER_LEASE.termMs),
    slotsMs: Math.max(limits.slotsMs, AFTER_LEASE.slotsMs),
    restartMs: Math.max(limits.restartMs, AFTER_LEASE.restartMs),
    latenessMs: Math.max(limits.latenessMs, AFTER_LEASE.latenessMs),
  };
}
