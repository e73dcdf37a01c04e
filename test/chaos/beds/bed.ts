// On what ground does chaos happen? A bed is what stands between the replicas and their database for a whole run, and what
// that makes of a fault: how long its repair may take there. The faults, the work and the checker are the same on each.
import type { Ports } from '../proxy-process.js';
import type { DatabaseServer } from '../database-server.js';
import type { Cluster, Seat } from '../cluster.js';
import type { FaultKind } from '../faults.js';
import type { Witness } from '../witness.js';

export interface Bed {
  readonly name: string;
  /** Called once the database is there, before any replica is. `databaseUrl`: of the superuser. */
  prepare(server: DatabaseServer, databaseUrl: string): Promise<Ground>;
  /** The fault with the limits that it has here. */
  limited(kind: FaultKind): FaultKind;
  /** Called once the replicas share the slots: work that is there beside the usual one. */
  addWork?(cluster: Cluster, parts: { seat: Seat; witness: Witness }): Promise<void>;
}

export interface Ground {
  /** As whom the replicas log in, and to which server. */
  readonly productUrl: string;
  /** Where their pools and their control sessions are led to, if that is not the server itself. */
  readonly ports: Ports;
  readonly env: Readonly<Record<string, string>>;
  close(): Promise<void>;
}
