// What is measured? Each part brings its own tenants, and answers with the figures that its promises are about.
import { setTimeout as rest } from 'node:timers/promises';
import { percentile } from '../../chaos/text-table.js';
import * as bench from './bed.js';
import { crowdedPlanner } from './crowded-planner.js';
import type { Part } from './part.js';

const SINGLE_RUNS = { count: 150, everyMs: 15 };

/** I9: a tenant's single runs, before another one floods and while it does. */
const noisyNeighbour: Part = async (bed) => {
  const [quiet = '', noisy = ''] = await bench.addNeighbours(bed, ['quiet', 'noisy']);
  await bench.waitsOf(bed, { tenant: quiet, ...SINGLE_RUNS });
  const before = await bench.waitsOf(bed, { tenant: quiet, ...SINGLE_RUNS });
  await bench.addWork(bed, { tenants: [noisy], count: 100_000, jobType: 'noop' });
  const flooded = await bench.waitsOf(bed, { tenant: quiet, ...SINGLE_RUNS });
  await bench.drained(bed, [noisy]);
  await bench.addWork(bed, { tenants: [noisy], count: 1_000, jobType: 'sleep', payload: { ms: 3_000 } });
  const blocked = await bench.waitsOf(bed, { tenant: quiet, ...SINGLE_RUNS });
  await bench.drained(bed, [noisy]);
  const p99 = percentile(before, 0.99);
  const worse = (waits: readonly number[]): number => percentile(waits, 0.99) - p99;
  return [
    {
      name: 'quiet-p99',
      what: 'a single run waits, nothing else there (p99)',
      value: p99,
      unit: 'ms',
      limit: 1_000,
    },
    {
      name: 'noisy-neighbour-p99',
      what: 'longer beside 100,000 no-ops of another tenant (p99)',
      value: worse(flooded),
      unit: 'ms',
      limit: 100,
    },
    {
      name: 'long-neighbour-p99',
      what: 'longer beside 1,000 runs of 3 s of another tenant (p99)',
      value: worse(blocked),
      unit: 'ms',
      limit: 100,
    },
  ];
};

/** Two tenants that both have more work than can be done: worker time is shared by weight, however long a run takes. */
const weightedShare: Part = async (bed) => {
  const [heavy = '', light = ''] = await bench.addNeighbours(bed, ['heavy', 'light']);
  await bench.change(bed, heavy, { weight: 3 });
  await bench.addWork(bed, { tenants: [heavy], count: 12_000, jobType: 'sleep', payload: { ms: 50 } });
  await bench.addWork(bed, { tenants: [light], count: 3_000, jobType: 'sleep', payload: { ms: 150 } });
  await bench.drained(bed, [heavy, light]);
  const spans = await bench.spansOf(bed, [heavy, light]);
  const lastStart = (tenant: string): number =>
    Math.max(...spans.filter((span) => span.tenant === tenant).map(({ startedMs }) => startedMs));
  const firstMs = Math.min(...spans.map(({ startedMs }) => startedMs));
  // While both had work, and with the beginning left out.
  const untilMs = Math.min(lastStart(heavy), lastStart(light));
  const fromMs = firstMs + (untilMs - firstMs) / 5;
  const workedMs = (tenant: string): number =>
    spans
      .filter((span) => span.tenant === tenant && span.startedMs >= fromMs && span.startedMs <= untilMs)
      .reduce((sum, { startedMs, finishedMs }) => sum + finishedMs - startedMs, 0);
  const share = workedMs(heavy) / (workedMs(heavy) + workedMs(light));
  return [
    {
      name: 'weighted-share-error',
      what: 'worker time of weights 3 : 1, off from 75 %',
      value: Math.abs(share - 0.75) * 100,
      unit: '%',
      limit: 7.5,
    },
  ];
};

/** I7, with the slots handed over twice on the way. */
const strictLimits: Part = async (bed) => {
  const [tenant, rated] = [await bench.addTenant(bed, 'limited'), await bench.addTenant(bed, 'rated')];
  const [limit, rate] = [10, { count: 100, perSeconds: 1 }];
  await bench.change(bed, tenant, { limits: { maxConcurrent: limit } });
  await bench.change(bed, rated, { limits: { rate } });
  await bench.addWork(bed, { tenants: [tenant], count: 2_000, jobType: 'sleep', payload: { ms: 40 } });
  await bench.addWork(bed, { tenants: [rated], count: 800, jobType: 'noop' });
  for (const seat of bed.cluster.seats) {
    await rest(1_500);
    const number = await bed.cluster.numberOf(seat);
    await bed.cluster.call(bed.seat, `/api/v1/cluster/replicas/${number}:drain`, {});
    await rest(1_500);
    await bed.cluster.call(bed.seat, `/api/v1/cluster/replicas/${number}:undrain`, {});
  }
  await bench.drained(bed, [tenant, rated]);
  const starts = (await bench.spansOf(bed, [rated])).map(({ startedMs }) => startedMs);
  return [
    {
      name: 'concurrency-limit-overshoot',
      what: `more at once than ${limit}, over two hand-overs`,
      value: mostAtOnce(await bench.spansOf(bed, [tenant])) - limit,
      unit: 'runs',
      limit: 0,
    },
    {
      name: 'rate-limit-overshoot',
      what: `more starts in any span than ${rate.count} and ${rate.count} a second`,
      value: overshoot(starts, rate.count / (rate.perSeconds * 1_000), rate.count),
      unit: 'runs',
      limit: 0,
    },
  ];
};

const TENANTS = Array.from({ length: 100 }, (_, number) => `worker-${number}`);
const RUNS_PER_TENANT = 400;
const ROUNDS = 3;

/** What limits cost that are never reached; the two ways take turns, because machines are noisy. */
const limitCost: Part = async (bed) => {
  for (const tenant of TENANTS) await bench.addTenant(bed, tenant);
  const free: number[] = [];
  const limited: number[] = [];
  await drainRate(bed);
  for (let round = 0; round < ROUNDS; round += 1) {
    await limitAll(bed, null);
    free.push(await drainRate(bed));
    await limitAll(bed, { maxConcurrent: 300, maxQueued: 1_000_000 });
    limited.push(await drainRate(bed));
  }
  await limitAll(bed, null);
  const cost = 1 - percentile(limited, 0.5) / percentile(free, 0.5);
  return [
    {
      name: 'drain-rate',
      what: 'no-ops of 100 tenants a second',
      value: percentile(free, 0.5),
      unit: '/s',
      limit: Number.POSITIVE_INFINITY,
    },
    { name: 'limit-cost', what: 'slower with limits', value: cost * 100, unit: '%', limit: 20 },
  ];
};

/** What tenants without work cost: 10,000 of them beside ten that work. */
const idleTenants: Part = async (bed) => {
  const working = TENANTS.slice(0, 10);
  const before: number[] = [];
  const beside: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) before.push(await drainRate(bed, working, 4_000));
  await bed.witness.ask(
    `insert into carillon.tenant (id, name, display_name, slot)
     select gen_random_uuid(), 'idle-' || n, 'idle', n % 1024 from generate_series(1, 10000) n`,
  );
  for (let round = 0; round < ROUNDS; round += 1) beside.push(await drainRate(bed, working, 4_000));
  const cost = 1 - percentile(beside, 0.5) / percentile(before, 0.5);
  return [
    {
      name: 'idle-tenants-cost',
      what: 'slower beside 10,000 idle tenants',
      value: cost * 100,
      unit: '%',
      limit: 20,
    },
  ];
};

export const PARTS = {
  noisyNeighbour,
  weightedShare,
  strictLimits,
  limitCost,
  idleTenants,
  crowdedPlanner,
} as const;

async function limitAll(bed: bench.FairnessBed, limits: object | null): Promise<void> {
  for (const tenant of TENANTS) await bench.change(bed, tenant, { limits });
  await rest(1_500); // until every owner has read them
}

/** Runs a second, from the first start to the last end. */
async function drainRate(
  bed: bench.FairnessBed,
  tenants: readonly string[] = TENANTS,
  count = RUNS_PER_TENANT,
): Promise<number> {
  await bed.witness.ask('truncate carillon.run_history');
  await bench.addWork(bed, { tenants, count, jobType: 'noop' });
  await bench.drained(bed, tenants);
  const spans = await bench.spansOf(bed, tenants);
  const tookMs =
    Math.max(...spans.map((span) => span.finishedMs)) - Math.min(...spans.map((span) => span.startedMs));
  return (spans.length * 1_000) / tookMs;
}

function mostAtOnce(spans: readonly bench.Span[]): number {
  const changes = spans.flatMap(({ startedMs, finishedMs }) => [
    { atMs: startedMs, by: 1 },
    { atMs: finishedMs, by: -1 },
  ]);
  let now = 0;
  let most = 0;
  // What ends at an instant has ended before what starts at it.
  for (const { by } of changes.toSorted((a, b) => a.atMs - b.atMs || a.by - b.by))
    most = Math.max(most, (now += by));
  return most;
}

/** By how much any span of time had more starts than a bucket of this size, refilled at this rate, lets through. */
function overshoot(starts: readonly number[], perMs: number, size: number): number {
  let level = 0;
  let lastMs = Number.NEGATIVE_INFINITY;
  let worst = 0;
  for (const startMs of starts.toSorted((a, b) => a - b)) {
    level = Math.max(0, level - (startMs - lastMs) * perMs) + 1;
    lastMs = startMs;
    worst = Math.max(worst, level - size);
  }
  // Whole runs: instants of two clocks that agree to a millisecond or so are compared.
  return Math.max(0, Math.floor(worst));
}
