// How are many seeds played, and what is said of one that fails? They are played in portions, each outside of
// any promise, because what a simulated replica awaits must be able to settle within a step.
import { playSeed, type SeedOptions, type Verdict } from './simulation.js';

/** The test runner wants to hear from its worker now and then. */
const PORTION = 50;

export interface Tally {
  seeds: number;
  steps: number;
  deaths: number;
  terms: number;
  outcomes: number;
  acquired: number;
  blocks: number;
  /** Due times that did not run, because another run of their schedule was running. */
  overlaps: number;
}

/** Plays seeds from the first one on until one breaks an invariant, or all are played; the failure comes last. */
export async function playSeeds(
  { first, count }: { first: number; count: number },
  options: SeedOptions = {},
): Promise<{ tally: Tally; failed: Verdict | null }> {
  const tally: Tally = {
    seeds: 0,
    steps: 0,
    deaths: 0,
    terms: 0,
    outcomes: 0,
    acquired: 0,
    blocks: 0,
    overlaps: 0,
  };
  for (let from = first; from < first + count; from += PORTION) {
    const until = Math.min(from + PORTION, first + count);
    const failed = await outsideOfPromises(() => playPortion({ from, until, tally }, options));
    if (failed !== null) return { tally, failed };
  }
  return { tally, failed: null };
}

/** Plays one seed and keeps all of its lines, or only the last. */
export function traceSeed(
  seed: number,
  tracing: 'last lines' | 'all',
  options: SeedOptions = {},
): Promise<Verdict> {
  return outsideOfPromises(() => playSeed(seed, { ...options, tracing }));
}

/** What happened, and how to see it again. */
export async function describeFailure(
  { seed, violation }: Verdict,
  options: SeedOptions = {},
): Promise<string> {
  const again = await traceSeed(seed, 'last lines', options);
  const same = again.violation?.message === violation?.message;
  return [
    `seed ${seed} breaks ${violation?.message ?? 'nothing'}`,
    same
      ? 'its last lines:'
      : `and, played again, ${again.violation?.message ?? 'nothing'}: the simulation itself is not deterministic`,
    ...again.lines,
    `play it again, with all its lines: SIM_SEED=${seed} npm test -- --project simulation`,
  ].join('\n');
}

function playPortion(
  { from, until, tally }: { from: number; until: number; tally: Tally },
  options: SeedOptions,
): Verdict | null {
  for (let seed = from; seed < until; seed += 1) {
    const verdict = playSeed(seed, options);
    tally.seeds += 1;
    tally.steps += verdict.steps;
    tally.deaths += verdict.deaths;
    tally.terms += verdict.terms;
    tally.outcomes += verdict.outcomes;
    tally.acquired += verdict.acquired;
    tally.blocks += verdict.blocks;
    tally.overlaps += verdict.overlaps;
    if (verdict.violation !== null) return verdict;
  }
  return null;
}

function outsideOfPromises<Value>(act: () => Value): Promise<Value> {
  return new Promise((resolve, reject) => {
    setImmediate(() => {
      try {
        resolve(act());
      } catch (error) {
        reject(error);
      }
    });
  });
}
