// On what ground does chaos happen? A bed is what stands between the replicas and their database for a whole run, and what
// that makes of a fault: how long its repair may take there. The faults, the work and the checker are the same on each.
import type { DatabaseServer } from '../database-server.js';
import type { FaultKind } from '../faults.js';

export interface Bed {
  readonly name: string;
  /** Called once the database is there, before any replica is. */
  prepare(server: DatabaseServer, databaseUrl: string): Promise<Ground>;
  /** The fault with the limits that it has here. */
  limited(kind: FaultKind): FaultKind;
}

export interface Ground {
  /** Where the replicas' pools connect to; null: to the database itself. Control sessions always do. */
  readonly workPort: number | null;
  close(): Promise<void>;
}
