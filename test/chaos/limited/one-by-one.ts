// Which schedules must not overlap while things go wrong? A tenant of its own has one for each policy, due more often than
// their runs are over. What is skipped, waits or is cancelled there is meant to be, so its fires count for no lateness; the
// checker counts what their attempts say of themselves (I7).
import { isUnlimitedKey, readScheduleKey } from '#kernel/schedule-key.js';
import type { Cluster, Seat } from '../cluster.js';
import type { Fire } from '../evidence.js';
import { UNDER_LOCKS } from './under-locks.js';

const TENANT = 'one-by-one';

const SCHEDULES = [
  {
    name: 'skips',
    jobType: 'worked',
    spec: { everySeconds: 1 },
    payload: { ms: 1_700 },
    overlap: { mode: 'skip' },
  },
  {
    name: 'queues',
    jobType: 'pushed',
    spec: { everySeconds: 1 },
    payload: { ms: 900 },
    overlap: { mode: 'queue', max: 2 },
  },
  {
    name: 'replaces',
    jobType: 'worked',
    spec: { everySeconds: 2 },
    payload: { ms: 3_000 },
    overlap: { mode: 'replace' },
  },
];

export async function addOneByOne(
  cluster: Cluster,
  { seat, sinkUrl }: { seat: Seat; sinkUrl: string },
): Promise<void> {
  const path = `/api/v1/tenants/${TENANT}`;
  await cluster.insist(seat, '/api/v1/tenants', { body: { name: TENANT } });
  await cluster.insist(seat, path, { method: 'PATCH', body: { allowedHandlers: ['spell'] } });
  const retry = { maxAttempts: 100, minSeconds: 0.5, maxSeconds: 1 };
  for (const [name, target] of Object.entries({
    worked: { kind: 'handler', handler: 'spell' },
    pushed: { kind: 'http', url: sinkUrl },
  }))
    await cluster.insist(seat, `${path}/job-types`, { body: { name, target, retry, timeoutSeconds: 30 } });
  for (const body of SCHEDULES) await cluster.insist(seat, `${path}/schedules`, { body });
}

/** Those that are to start when they are due. */
export function punctual(fires: readonly Fire[]): Fire[] {
  return fires.filter(({ tenant }) => tenant !== TENANT && tenant !== UNDER_LOCKS);
}

/** The schedule of which one run may run at a time; null for a run without one. */
export function serialSchedule(concurrencyKey: string | null): string | null {
  if (isUnlimitedKey(concurrencyKey)) return null;
  return readScheduleKey(concurrencyKey)?.scheduleId ?? null;
}
