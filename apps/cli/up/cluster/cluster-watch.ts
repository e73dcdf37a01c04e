// The cluster's own view of itself, read each second and kept, mainly for up.json. It names replicas by number, a new
// one for each process. `up` knows the state of its own processes earlier than the cluster, for example that one has
// just died.
import type { z } from 'zod';
import type { Api } from './api.js';
import * as shapes from './api.shapes.js';
import type { LivingReplica, Loss, ReplicaSet } from '../processes/replica-set.js';

export interface ClusterView {
  readonly term: number;
  readonly leader: shapes.ReplicaRow | null;
  readonly rows: readonly shapes.ReplicaRow[];
}

export interface Seat extends LivingReplica {
  readonly number: number;
}

const NOTHING: ClusterView = { term: 0, leader: null, rows: [] };

export class ClusterWatch {
  #view = NOTHING;
  readonly #lost = new Set<number>();

  constructor(
    private readonly api: Api,
    private readonly replicas: ReplicaSet,
  ) {}

  /** The view at the last read. */
  get view(): ClusterView {
    return { ...this.#view, leader: this.#livingLeader(this.#view.leader) };
  }

  /** Our living replicas that have joined. */
  get seats(): Seat[] {
    return this.replicas.living.flatMap((living) => {
      const row = this.#rowOf(living);
      return row === undefined ? [] : [{ ...living, number: row.number }];
    });
  }

  /** When the first of our living replicas joined, by the database's clock. */
  get since(): Date {
    const joined = this.replicas.living.flatMap((living) => this.#rowOf(living)?.startedAt.getTime() ?? []);
    return new Date(Math.min(...joined));
  }

  /** Rejects when no replica answers. */
  async look(): Promise<ClusterView> {
    const [leader, replicas] = await Promise.all([
      this.api.get('cluster/leader', shapes.leader),
      this.api.get('cluster/replicas', shapes.replicas),
    ]);
    this.#view = viewOf(leader, replicas.items);
    return this.view;
  }

  /** Remembers that the process is gone, before the cluster knows. Returns the replica's number. */
  noteLoss(loss: Loss): number | undefined {
    const row = this.#rowOf(loss);
    if (row !== undefined) this.#lost.add(row.number);
    return row?.number;
  }

  nameOf(number: number): string {
    return this.#view.rows.find((row) => row.number === number)?.name ?? `replica ${number}`;
  }

  isOurs(row: shapes.ReplicaRow): boolean {
    return this.seats.some(({ number }) => number === row.number);
  }

  /** The newest row with that process id and name: an older one is from before a reboot. */
  #rowOf({ pid, name }: { pid: number; name: string }): shapes.ReplicaRow | undefined {
    return this.#view.rows.find((row) => row.pid === pid && row.name === name && isLiving(row));
  }

  #livingLeader(leader: shapes.ReplicaRow | null): shapes.ReplicaRow | null {
    return leader === null || this.#lost.has(leader.number) ? null : leader;
  }
}

function viewOf(leader: z.output<typeof shapes.leader>, rows: readonly shapes.ReplicaRow[]): ClusterView {
  // The row still names the last leader while no replica leads: after a stop, and until a death is declared.
  const row = rows.find(({ number }) => number === leader.replica);
  return { term: leader.term, leader: row !== undefined && isLiving(row) ? row : null, rows };
}

export function isLiving({ state }: shapes.ReplicaRow): boolean {
  return state === 'active' || state === 'draining';
}
