// The bounds of a job's times and attempts. They are the same in code, where a job is defined, and in the API, where
// a job type is made: the API must not refuse a definition that a worker registers.

export const ATTEMPTS_MAX = 100;
/** A day. Longer work should be split into steps, or hold a lease. */
export const TIMEOUT_SECONDS = { min: 0.001, max: 86_400 } as const;
export const HEARTBEAT_SECONDS = { min: 0.1, max: 86_400 } as const;
/** Longer delays belong in a schedule; no timestamp can hold much longer ones. */
export const RETRY_SECONDS = { min: 0, max: 30 * 86_400 } as const;
