// What may be said of a job's times and tries? The same in code, where a job is defined, and over the API, where a job
// type is made: a definition that a worker registers must not be refused there.

export const ATTEMPTS_MAX = 100;
/** A day. Work that takes longer is better cut into steps, or beats for its lease. */
export const TIMEOUT_SECONDS = { min: 0.001, max: 86_400 } as const;
export const HEARTBEAT_SECONDS = { min: 0.1, max: 86_400 } as const;
/** Longer delays belong into a schedule; much longer ones no timestamp can hold. */
export const RETRY_SECONDS = { min: 0, max: 30 * 86_400 } as const;
