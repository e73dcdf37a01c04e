// Does the hot table stay small, and a claim cheap? At half of what the cluster can do, for as long as asked: what is
// measured at the end is compared with what was measured once the load was steady.
import { Feeder, keepWaiting, steadily, type BloatBed } from './bed.js';
import { observe, type Observation } from './observation.js';

const CAPACITY_SECONDS = 20;
const SHARE = 0.5;
const WINDOWS = 20;
const BACKLOG = 20_000;
/** Sizes and times of single windows vary; growth does not stop at this. */
const GROWTH_MAX = 1.5;

interface Growth {
  name: string;
  what: string;
  value: number;
  limit: number;
}

export async function stayUnderLoad(
  bed: BloatBed,
  { minutes, tell }: { minutes: number; tell: (phase: string, seen: Observation) => void },
): Promise<Growth[]> {
  const capacity = await withFeeder(new Feeder(bed, keepWaiting(BACKLOG)), async () => {
    tell('warm', await observe(bed, CAPACITY_SECONDS));
    const seen = await observe(bed, CAPACITY_SECONDS);
    tell('full', seen);
    return seen.runsPerSecond;
  });
  // What the full load has left behind is no measure of the half one.
  await bed.witness.ask('vacuum full carillon.run');
  const perSecond = capacity * SHARE;
  const seen: Observation[] = [];
  await withFeeder(new Feeder(bed, steadily(perSecond)), async () => {
    for (let window = 0; window < WINDOWS; window += 1) {
      const one = await observe(bed, (minutes * 60) / WINDOWS);
      tell('steady', one);
      seen.push(one);
    }
  });
  // The first fifth fills what vacuum then keeps free.
  const early = seen.slice(WINDOWS / 5, (2 * WINDOWS) / 5);
  const late = seen.slice(-WINDOWS / 5);
  const growth = (name: string, what: string, measure: (one: Observation) => number): Growth => ({
    name,
    what: `${what}, at the end against the beginning, ${perSecond.toFixed(0)} runs a second`,
    value: median(late.map(measure)) / median(early.map(measure)),
    limit: GROWTH_MAX,
  });
  return [
    growth('table-growth', 'size of the table run', ({ tableMb }) => tableMb),
    growth('index-growth', 'size of its indexes', ({ indexMb }) => indexMb),
    growth('claim-growth', 'time of a claim', ({ statements }) => statements.claim.ms),
  ];
}

async function withFeeder<Result>(feeder: Feeder, work: () => Promise<Result>): Promise<Result> {
  feeder.start();
  try {
    return await work();
  } finally {
    await feeder.stop();
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
