// Does a cluster keep its promises through thousands of seeds of accidents? The replicas are the real ones; the
// database, the network, the clocks and the processes around them are models. See simulation.ts. SIM_SEED plays one
// seed and tells all of it; SIM_FIRST and SIM_SEEDS play others than the first thousand.
import './replaced-modules.js';
import { afterAll, describe, expect, it } from 'vitest';
import { isUpdatingGolden, writeGoldenTexts } from './golden-texts.js';
import { describeFailure, playSeeds, traceSeed } from './seeds.js';
import { STATEMENT_NAMES, unusedStatements } from './statement-book.js';

const FIRST = Number(process.env['SIM_FIRST'] ?? 1);
const SEEDS = Number(process.env['SIM_SEEDS'] ?? 1_000);
const ONLY_SEED = process.env['SIM_SEED'];
const TIMEOUT_MS = 1_200_000;
/** With so many, all that can happen in a simulation does. */
const ENOUGH_SEEDS = 10_000;

afterAll(() => {
  if (isUpdatingGolden) writeGoldenTexts(STATEMENT_NAMES);
});

describe.skipIf(ONLY_SEED !== undefined)('a simulated cluster', () => {
  it(
    `keeps I1 to I7, and heals by itself (I8), through ${SEEDS} seeds`,
    { timeout: TIMEOUT_MS },
    async () => {
      const { tally, failed } = await playSeeds({ first: FIRST, count: SEEDS });
      if (failed !== null) expect.fail(await describeFailure(failed));
      expect(tally.deaths).toBeGreaterThan(SEEDS / 4);
      expect(tally.terms).toBeGreaterThan(SEEDS);
      expect(tally.outcomes).toBeGreaterThan(5 * SEEDS);
      expect(tally.acquired).toBeGreaterThan(SEEDS / 4);
      expect(tally.blocks).toBeGreaterThan(SEEDS / 8);
      expect(tally.overlaps).toBeGreaterThan(SEEDS / 4);
      if (SEEDS >= ENOUGH_SEEDS) expect(unusedStatements(), 'modelled, but never sent').toEqual([]);
    },
  );

  it('lives through a seed in the same way each time', async () => {
    const [once, again] = [await traceSeed(7, 'all'), await traceSeed(7, 'all')];
    expect(once.lines.length).toBeGreaterThan(100);
    expect(again.lines).toEqual(once.lines);
  });
});

describe.runIf(ONLY_SEED !== undefined)(`seed ${ONLY_SEED}`, () => {
  it('keeps I1 to I7, and heals by itself (I8)', { timeout: TIMEOUT_MS }, async () => {
    const { lines, violation } = await traceSeed(Number(ONLY_SEED), 'all');
    console.log(lines.join('\n'));
    expect(violation?.message).toBeUndefined();
  });
});
