// What does a test need of one member of a cluster? The real parts over a real database, with passes made
// by hand: nothing happens between two lines of a test unless the test calls it.
import { beforeEach, onTestFinished } from 'vitest';
import { DatabaseClock } from '#cluster/membership/database-clock.js';
import { DEFAULT_CLUSTER_SETTINGS, type ClusterSettings } from '#cluster/cluster-settings.js';
import { ElectionLoop } from '#cluster/leadership/election-loop.js';
import { HintsLoop } from '#cluster/hints/hints-loop.js';
import { Leadership, type Leader } from '#cluster/leadership/leadership.js';
import { Membership, type Incarnation } from '#cluster/membership/membership.js';
import { OwnershipLoop } from '#cluster/slots/ownership-loop.js';
import { SweepLoop } from '#cluster/sweep/sweep-loop.js';
import type { Clock } from '#kernel/clock.js';
import { systemClock } from '#database/runtime/system-clock.js';
import { subscribeMember } from '#server/replica/subscriptions.js';
import { addTenant } from './rows.js';
import { standInFor } from './stand-in.js';
import { useTestDatabase, type UsedDatabase } from './test-database.js';
import { until } from './until.js';

export interface MemberOptions {
  name?: string;
  roles?: string[];
  weight?: number;
  preference?: number;
  clock?: Clock;
  settings?: Partial<ClusterSettings>;
}

export type TestMember = Awaited<ReturnType<typeof startMember>>;

/**
 * No replica beats by itself in a test, so `deadAfterMs` must outlast a test on a busy machine; and the first look at
 * what is gone decides.
 */
const UNHURRIED = { deadAfterMs: 60_000, marginMs: 12_000, crashedAfterMs: 0 };

/** Joins the cluster; leaves it when the test is over. */
export async function startMember(url: string, options: MemberOptions = {}) {
  const {
    name = 'member',
    roles = ['scheduler', 'worker'],
    weight = 1,
    preference = 0,
    clock = systemClock,
  } = options;
  const settings = { ...DEFAULT_CLUSTER_SETTINGS, ...UNHURRIED, ...options.settings };
  const membership = new Membership({
    sessionUrl: url,
    workUrl: url,
    workConnections: 4,
    workPrepares: true,
    identity: {
      name,
      host: '127.0.0.1',
      pid: process.pid,
      url: null,
      publicUrl: null,
      version: 'test',
      roles,
      weight,
      preference,
    },
    settings,
    clock,
    onError: () => undefined,
  });
  const hints = new HintsLoop(membership, clock);
  const leadership = new Leadership(membership, clock);
  const parts = {
    membership,
    hints,
    leadership,
    databaseClock: new DatabaseClock(clock),
    election: new ElectionLoop(membership, leadership, settings, clock),
    sweep: new SweepLoop(leadership, hints, settings, clock),
    ownership: new OwnershipLoop(membership, hints),
    /** The incarnation, which must exist. */
    self: (): Incarnation => required(membership.incarnation, 'an incarnation'),
    leader: (): Leader => required(leadership.current(), 'a leader'),
    /** Stands for election until it wins; an ended session gives its lock back a moment later. */
    lead: (): Promise<Leader> =>
      until('it leads', async () => {
        await parts.election.runOnce();
        return leadership.current();
      }),
    leave: () => membership.leave(),
  };
  subscribeMember(parts);
  await membership.beat();
  onTestFinished(() => membership.leave());
  return parts;
}

/** One member that leads and owns every slot. */
export async function startLoneMember(url: string, options: MemberOptions = {}): Promise<TestMember> {
  const member = await startMember(url, options);
  await member.lead();
  await member.sweep.runOnce();
  await member.ownership.runOnce();
  return member;
}

export type TenantRow = Awaited<ReturnType<typeof addTenant>>;

export interface UsedMember extends UsedDatabase {
  readonly member: TestMember;
  readonly tenant: TenantRow;
}

/** For each test a new database, one member that serves all of its slots, and a tenant. */
export function useLoneMember(): UsedMember {
  const database = useTestDatabase();
  const member = standInFor<TestMember>('the member');
  const tenant = standInFor<TenantRow>('the tenant');
  beforeEach(async () => {
    member.become(await startLoneMember(database.url));
    tenant.become(await addTenant(database.db));
  });
  return Object.assign(database, { member: member.handle, tenant: tenant.handle });
}

function required<Value>(value: Value | null, what: string): Value {
  if (value === null) throw new Error(`expected ${what}, found none`);
  return value;
}
