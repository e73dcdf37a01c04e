// When is a connection lost? With a statement on it, and most likely at a commit: before the server has seen it,
// or after it has done it, and with or without the server's noticing.
import type { SeededRandom } from './seeded-random.js';

export type Loss = 'none' | 'before' | 'after' | 'deaf before' | 'deaf after';
const LOSSES: readonly Loss[] = ['before', 'after', 'after', 'deaf before', 'deaf after'];

/** How many times more often than with any other statement. */
const AT_COMMIT = 10;

/** The function settles and commits in one message. */
const isCommit = (text: string): boolean => text === 'commit' || text.includes('carillon.settle_ends(');

export function drawLoss(random: SeededRandom, chance: number, text: string): Loss {
  if (chance === 0 || !random.chance(chance * (isCommit(text) ? AT_COMMIT : 1))) return 'none';
  return random.pick(LOSSES) ?? 'none';
}
