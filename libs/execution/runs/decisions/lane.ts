// A lane: the runs of a tenant that are paused and limited together, in the order in which they start. Of two runs of a
// tenant the one with the higher priority goes first, unless the other has waited longer by a minute for each step
// between them. By this rule their order never changes while they wait: the rank is a fixed number, and an index can
// keep it.
import type { RunId, Slot, TenantId } from '#kernel/ids.js';

/** How much waiting one step of priority is worth; rank.ts and migrations/0005 say the same. */
const STEP_MS = 60_000;

/** One queue, one job type, one concurrency key of a tenant. */
export interface Lane {
  slot: Slot;
  tenantId: TenantId;
  lane: string;
}

export type LaneName = Pick<Lane, 'tenantId' | 'lane'>;

/** The position of a run in its lane. */
export interface LanePosition {
  /** In microseconds, as fine as the database has it. */
  rankUs: number;
  id: RunId;
}

export interface LaneParts {
  queue: string;
  jobType: string;
  /** Runs of the tenant's job type with the same key are limited together. */
  concurrencyKey: string | null;
}

/** A key for a map of lanes; a tenant's id holds no slash. */
export function laneKey({ tenantId, lane }: LaneName): string {
  return `${tenantId}/${lane}`;
}

/** A key for a map of tenants' job types. */
export function jobTypeKey({ tenantId, jobType }: { tenantId: TenantId; jobType: string }): string {
  return `${tenantId}/${jobType}`;
}

/** The rank in milliseconds; the run with the lower rank goes first. */
export function rankOf({ runAt, priority }: { runAt: Date; priority: number }): number {
  return runAt.getTime() - priority * STEP_MS;
}

/** The rank in microseconds, from an instant in milliseconds with a fraction. */
export function rankUsOf({ atMs, priority }: { atMs: number; priority: number }): number {
  return Math.round(atMs * 1_000) - priority * STEP_MS * 1_000;
}

export function isBehind(a: LanePosition, b: LanePosition): boolean {
  return a.rankUs > b.rankUs || (a.rankUs === b.rankUs && a.id > b.id);
}

/** The lane's name, as the database generates it (migrations/0005). */
export function laneOf({ queue, jobType, concurrencyKey }: LaneParts): string {
  return concurrencyKey === null ? `${queue}/${jobType}` : `${queue}/${jobType}/${concurrencyKey}`;
}

/** The parts of a lane's name: queue/jobType, or queue/jobType/concurrencyKey; the first two hold no slash. */
export function partsOfLane(lane: string): LaneParts {
  const first = lane.indexOf('/');
  const second = lane.indexOf('/', first + 1);
  return {
    queue: lane.slice(0, first),
    jobType: lane.slice(first + 1, second < 0 ? undefined : second),
    concurrencyKey: second < 0 ? null : lane.slice(second + 1),
  };
}

export function hasKey({ lane }: Pick<LaneName, 'lane'>): boolean {
  return partsOfLane(lane).concurrencyKey !== null;
}

/** The part between the first two slashes, or behind the only one. */
export function jobTypeOfLane(lane: string): string {
  return lane.split('/', 2)[1] ?? '';
}
