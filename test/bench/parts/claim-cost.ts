// Does a claim cost more when more is queued? The backlog stands in the very lanes that are served, and is due. At each
// size the tenants are resumed for a moment; what counts is the server's time for the claims made then, by run, and how
// fast the runs were done.
import { until } from '../../support/until.js';
import { Carillon } from '../contestants/carillon.js';
import { show, spreadOf, type Figure } from '../figures.js';
import { Meter, type StatementCost } from '../stand/meter.js';
import type { Bench, Part } from './part.js';

const REPLICAS = 2;
/** At least so many are done at each look, or half of what there is; what is then under way comes on top. */
const DONE = 20_000;
const SIZES = { quick: [10_000, 100_000], full: [10_000, 100_000, 1_000_000, 5_000_000] };
/** The words by which a claim is known among statements. */
const CLAIM = '%insert into carillon.claim%';
const PER_FILL = 500_000;

interface Look {
  readonly size: number;
  /** Of the server, for each claimed run. */
  readonly claimUs: number[];
  readonly rates: number[];
}

export const claimCost: Part = async (bench) => {
  const { server, scale } = bench;
  const carillon = await Carillon.open({ databaseUrl: await server.createDatabase('claim_cost') });
  const meter = await Meter.open(carillon.databaseUrl);
  const looks: Look[] = [];
  try {
    await carillon.staff(REPLICAS);
    await lookOnce(bench, { carillon, meter, look: { size: 10_000, claimUs: [], rates: [] } }); // warm
    for (const size of scale.isQuick ? SIZES.quick : SIZES.full) {
      const look: Look = { size, claimUs: [], rates: [] };
      looks.push(look);
      for (let round = 1; round <= scale.rounds; round += 1) await lookOnce(bench, { carillon, meter, look });
    }
  } finally {
    await meter.close();
    await carillon.close();
  }
  return figuresOf(looks);
};

async function lookOnce(
  { tell }: Bench,
  { carillon, meter, look }: { carillon: Carillon; meter: Meter; look: Look },
): Promise<void> {
  await carillon.setState('suspended');
  await until('nothing runs', async () => (await carillon.countHeld()) === 0);
  await refill(carillon, look.size);
  const before = await meter.statement(CLAIM);
  await carillon.setState('active');
  await carillon.hint();
  const done = await until('some thousands are done', async () => {
    const count = await carillon.countDone();
    return count >= Math.min(DONE, look.size / 2) && count;
  });
  const firstMs = await carillon.msSinceFirstStart();
  await carillon.setState('suspended');
  await until('nothing runs', async () => (await carillon.countHeld()) === 0);
  const claims = difference(await meter.statement(CLAIM), before);
  await carillon.clear();
  look.claimUs.push((claims.tookMs * 1_000) / claims.rows);
  look.rates.push((done * 1_000) / firstMs);
  tell(
    `claim cost: ${show(look.size)} queued, ${show(claims.rows)} runs in ${show(claims.calls)} claims, ${show(look.claimUs.at(-1) ?? Number.NaN)} us each`,
  );
}

async function refill(carillon: Carillon, size: number): Promise<void> {
  for (let missing = size - (await carillon.countQueued()); missing > 0; missing -= PER_FILL)
    await carillon.addRuns({ runs: Math.min(missing, PER_FILL) });
  await carillon.pool.query('vacuum /* bench */ (analyze) carillon.run');
}

function difference(after: StatementCost, before: StatementCost): StatementCost {
  return {
    calls: after.calls - before.calls,
    rows: after.rows - before.rows,
    tookMs: after.tookMs - before.tookMs,
  };
}

function figuresOf(looks: readonly Look[]): Figure[] {
  const [small] = looks;
  if (small === undefined) return [];
  const times = (size: number): string => (size >= 1_000_000 ? `${size / 1_000_000}m` : `${size / 1_000}k`);
  const cost = looks.map(({ size, claimUs }) => ({
    name: `claim-cost-${times(size)}`,
    what: `claim: of one run, with ${show(size)} queued`,
    values: claimUs,
    unit: 'us',
  }));
  const rates = looks.map(({ size, rates }) => ({
    name: `backlog-rate-${times(size)}`,
    what: `claim: no-ops done, with ${show(size)} queued`,
    values: rates,
    unit: 'runs/s',
  }));
  const growth = looks.slice(1).map(({ size, claimUs }) => {
    const figure = {
      name: size === 1_000_000 ? 'claim-cost-growth' : `claim-cost-growth-${times(size)}`,
      what: `claim: ${show(size)} queued, by ${show(small.size)}`,
      values: [spreadOf(claimUs).median / spreadOf(small.claimUs).median],
      unit: 'times',
    };
    return size <= 1_000_000 ? { ...figure, limit: { atMost: 1.5 } } : figure;
  });
  return [...cost, ...rates, ...growth];
}
