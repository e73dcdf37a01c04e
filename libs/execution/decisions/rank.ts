// Which of two runs of a tenant goes first? The one with the higher priority, unless the other has waited longer
// by a minute for each step between them. Put so, the order of two runs never changes while they wait: the rank
// is a fixed number, and an index can keep it.

/** What one step of priority is worth; migrations/0005 says the same. */
const STEP_MS = 60_000;

/** The lower goes first. */
export function rankOf({ runAt, priority }: { runAt: Date; priority: number }): number {
  return runAt.getTime() - priority * STEP_MS;
}
