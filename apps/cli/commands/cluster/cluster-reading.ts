// What the API tells of the cluster, read for people: the replicas with the one that leads, and the ring.
import type { Api } from '../../connection/api.js';

export interface Replica {
  readonly number: number;
  readonly name: string;
  readonly state: string;
  readonly endedAt: string | null;
  readonly leads: boolean;
}

export interface Leader {
  readonly term: number;
  readonly replica: number | null;
  readonly replicaName: string | null;
}

export interface Ring {
  readonly slotCount: number;
  readonly unowned: number;
  readonly handingOver: number;
}

export async function readReplicas(api: Api): Promise<Replica[]> {
  const [{ items }, { replica }] = await Promise.all([
    api.get<{ items: Omit<Replica, 'leads'>[] }>('/cluster/replicas'),
    readLeader(api),
  ]);
  return items.map((each) => ({ ...each, leads: each.endedAt === null && each.number === replica }));
}

export async function readLeader(api: Api): Promise<Leader> {
  return api.get<Leader>('/cluster/leader');
}

export async function readRing(api: Api): Promise<Ring> {
  return api.get<Ring>('/cluster/ring');
}
