// What is a fault to the nemesis and to the checker? An act with a beginning and an end, and what may follow from it:
// whether the replica that it strikes may be declared dead, and how soon everything must be as before. The limits are
// those of the failure budget (README); a fault that it does not name has the limit of the one that it resembles.
import type { Cluster, Seat } from './cluster.js';
import type { DatabaseServer } from './database-server.js';
import type { Dice } from './dice.js';
import type { Witness } from './witness.js';
import type { Poster } from './workload.js';

export interface Scene {
  readonly cluster: Cluster;
  readonly server: DatabaseServer;
  readonly witness: Witness;
  readonly poster: Poster;
}

export interface FaultLimits {
  /** From the strike, or for a database that was away from its return, to a new term, if the struck replica led. */
  readonly termMs: number;
  /** To the last of the struck replica's slots with a living owner. */
  readonly slotsMs: number;
  /** To the start of the last of its lost runs. */
  readonly restartMs: number;
  /** How late a fire may start. */
  readonly latenessMs: number;
}

export interface FaultKind {
  readonly name: string;
  /** May the struck replica be declared dead? 'may' is counted, and no more. */
  readonly death: 'must' | 'may' | 'never';
  /** Where the clock of `limits` starts. */
  readonly from: 'strike' | 'heal';
  readonly limits: FaultLimits;
  /** Does it, to the seat that was drawn, and resolves when it is over. Notes what is worth telling. */
  strike(blow: Blow): Promise<void>;
}

export interface Blow extends Scene {
  readonly seat: Seat;
  /** The same for the same seed, however the cluster behaves. */
  readonly dice: Dice;
  /** Every replica is struck, or one besides the seat. */
  readonly alsoStrikes: (seat: Seat) => Promise<void>;
  readonly note: (text: string) => void;
}

/** One fault as it happened. Instants are those of the harness, whose clock is the database's. */
export interface FaultRecord {
  readonly kind: FaultKind;
  readonly struck: { seat: string; replica: number | null; led: boolean }[];
  startedAtMs: number;
  /** Infinite while it goes on. */
  healedAtMs: number;
  readonly notes: string[];
}

export const AT_ONCE: FaultLimits = { termMs: 1_000, slotsMs: 2_000, restartMs: 2_000, latenessMs: 2_000 };
/** `deadAfterMs` and a second. */
export const AFTER_SILENCE: FaultLimits = {
  termMs: 6_000,
  slotsMs: 6_000,
  restartMs: 6_000,
  latenessMs: 6_000,
};
/** What waits for an answer on a connection that is no more gives up after twelve seconds. */
export const AFTER_WORK_TIMEOUT: FaultLimits = {
  termMs: 6_000,
  slotsMs: 6_000,
  restartMs: 13_000,
  latenessMs: 13_000,
};
/** The database returns: three seconds. Lateness is that and the time it was away, which `from` does not count. */
export const AFTER_OUTAGE: FaultLimits = {
  termMs: 3_000,
  slotsMs: 3_000,
  restartMs: 3_000,
  latenessMs: 3_000,
};
