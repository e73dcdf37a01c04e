// The exports of 'carillon/testing': for the tests of applications. Nothing here needs a replica.
export { attempt } from './attempt.js';
export type { EndedAttempt, TriedHandler } from './attempt.js';
export type { EnqueuedJob, GivenContext, ProgressReport, WrittenLine } from './recorded-context.js';
export { runsIn } from './runs-in.repository.js';
export type { RunInTransaction } from './runs-in.repository.js';
