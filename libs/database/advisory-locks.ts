// The advisory locks that we use: two-integer keys whose first half is ours ("CAR" and a digit in ASCII), so that other
// applications in the same database don't meet them by chance.

/** Held by the leader's control session. The second key is always 0. */
export const LEADER_LOCK = 0x43415230;
/** Held by each replica's control session; the second key is the replica's number. */
export const LIVENESS_LOCK = 0x43415231;
/**
 * The gate of a replica; the second key is its number. Claims, settlements and reports hold it shared until commit.
 * What must be sure that none of these is in flight holds it alone: hand-overs, declarations of death, goodbyes, and
 * changes of what may be claimed.
 */
export const REPLICA_GATE = 0x43415232;
/**
 * The turn at a replica's gate, held in a transaction that waits to hold the gate alone; the second key is the
 * replica's number. Of the transactions that do so to change what may be claimed, one at a time waits for the gate:
 * claims that come meanwhile wait for that one and no other.
 */
export const GATE_TURN = 0x43415235;
/** Held in a transaction while day partitions are made or dropped. The second key is always 0. */
export const PARTITIONING_LOCK = 0x43415233;
/** Held while lines of run logs get their numbers and are committed. The second key is always 0. */
export const RUN_LOG_LOCK = 0x43415239;
/**
 * Held in a transaction by the request that carries an Idempotency-Key; the second key is a hash of it. Two keys of one
 * hash get in each other's way for an instant, and no more.
 */
export const IDEMPOTENCY_LOCK = 0x43415234;
/**
 * Held in a transaction while a tenant's locks are acquired; the second key is a hash of the tenant and the lock's name. The
 * number stands in the function carillon.acquire_locks().
 */
export const NAMED_LOCK = 0x43415236;
// 0x4341523A is held by a change that makes a schedule follow another one of its tenant (migrations/0049); the second
// key is a hash of the tenant.
