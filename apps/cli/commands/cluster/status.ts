// Is all well? One screen for 3 a.m.: does the API answer, does a replica lead, has each slot an owner, and does the
// work of a tenant fail?
import type { Command } from 'commander';
import { ApiProblem } from '#client/http/api-problem.js';
import { EXIT } from '../../exit-codes.js';
import { does, type Kit } from '../kit.js';
import type { Session } from '../session.js';
import { readLeader, readReplicas, readRing } from './cluster-reading.js';

const FAILED = ['failed', 'dead-lettered', 'expired'] as const;
const DAY_MS = 86_400_000;
const COUNTED_MAX = 200;

export function addStatus(program: Command, kit: Kit): void {
  const status = program
    .command('status')
    .description('Whether all is well: the replicas, the leader, the slots, and the runs that fail');
  does(kit, status, async (session) => {
    const cluster = await clusterStatus(session);
    const tenant = await tenantStatus(session);
    const isWell = cluster.isWell && tenant['tenantState'] !== 'suspended';
    const { urls } = session.connection;
    session.out.record({
      result: isWell ? 'well' : 'not well',
      api: urls?.value,
      ...cluster.shown,
      ...tenant,
    });
    return isWell ? EXIT.done : EXIT.failed;
  });
}

async function clusterStatus({ api }: Session): Promise<{ isWell: boolean; shown: Record<string, unknown> }> {
  try {
    const [replicas, leader, ring] = await Promise.all([readReplicas(api), readLeader(api), readRing(api)]);
    const living = replicas.filter(({ endedAt }) => endedAt === null);
    const shown = {
      leader: leader.replicaName ?? leader.replica,
      term: leader.term,
      replicas: living.map(({ name, state }) => (state === 'active' ? name : `${name} (${state})`)),
      slots: ring.slotCount,
      slotsWithoutOwner: ring.unowned,
      slotsHandedOver: ring.handingOver,
    };
    return { isWell: leader.replica !== null && ring.unowned === 0, shown };
  } catch (error) {
    // A key of a tenant: that the API refuses it shows that a replica and its database are there.
    if (!(error instanceof ApiProblem) || error.status !== 403) throw error;
    return { isWell: true, shown: { cluster: "not shown: it needs an administrator's key" } };
  }
}

/** Nothing where no tenant is named. */
async function tenantStatus(session: Session): Promise<Record<string, unknown>> {
  const named = session.connection.tenant?.value;
  if (named === undefined) return {};
  const { api, tenant } = session.tenantNamed(named);
  const { state } = await api.get(`/tenants/${encodeURIComponent(tenant)}`);
  const since = new Date(Date.now() - DAY_MS).toISOString();
  const counts = await Promise.all(
    FAILED.map(async (each) => {
      const query = { state: each, createdAfter: since, pageSize: COUNTED_MAX };
      const { items, nextPageToken } = await api.get<{ items: unknown[]; nextPageToken: string | null }>(
        'runs',
        query,
      );
      return [
        `${each} of the last day`,
        nextPageToken === null ? items.length : `more than ${items.length}`,
      ] as const;
    }),
  );
  return { tenant, tenantState: state, ...Object.fromEntries(counts) };
}
