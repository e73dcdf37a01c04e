// What does a run cost that comes alone, and how soon does it start? Single runs at a steady rate, for a while: Carillon
// over REST and by its client, the two fastest peers, and what bare SQL behind bare HTTP costs. They are measured in turn,
// and only the one that is measured has processes. Idle loops are part of the cost; who asks is told apart, since over
// REST it is a caller of HTTP, and for all others one of the database.
import { setTimeout as rest } from 'node:timers/promises';
import { percentile, textTable } from '../../chaos/text-table.js';
import { until } from '../../support/until.js';
import { carillonByClient, carillonByRest, peerByClient, type Singles } from '../contestants/singles.js';
import { ratios, show, showSpread, spreadOf, type Figure } from '../figures.js';
import { Meter, type Cost } from '../stand/meter.js';
import type { Bench, Part } from './part.js';

const RATES = [20, 200, 1_000] as const;
const SECONDS = { quick: 3, full: 8 };
const PROCESSES = { quick: [1], full: [1, 2, 3] };
/** New processes are slow at first, each in its own way: after so many runs the code of all is compiled. */
const WARM_UP = { perSecond: 500, seconds: 8 };
const DONE_LOOK_MS = 25;
/** More than any of them needs; pg-boss gives up a call for which its pool has no connection in time. */
const ASKING_MAX = 64;
const REST = 'Carillon';
const YARDSTICK = 'graphile-worker';
const LIMIT = 'bare SQL over HTTP';

interface Segment extends Cost {
  /** Of this process, which asks. */
  readonly askingMs: number;
  readonly commits: number;
  readonly p50: number;
  readonly p99: number;
}

interface Series {
  readonly name: string;
  readonly processes: number;
  readonly perSecond: number;
  /** One for each round, all of them but the waits for each run. */
  readonly segments: Segment[];
}

export const trickle: Part = async (bench) => {
  const { server, scale } = bench;
  const open = [
    () => carillonByRest(server, 'trickle_rest'),
    () => carillonByClient(server, 'trickle_client'),
    // One replica alone serves all tenants.
    ...(scale.isQuick ? [] : [() => carillonByRest(server, 'trickle_owner', { isToOwner: true })]),
    () => peerByClient(server, 'trickle_graphile_worker', YARDSTICK),
    () => peerByClient(server, 'trickle_pg_boss', 'pg-boss'),
    () => peerByClient(server, 'trickle_bare', LIMIT),
  ];
  const processes = scale.isQuick ? PROCESSES.quick : PROCESSES.full;
  return figuresOf(await compare(bench, { open, processes, rates: RATES }), RATES);
};

/** As much of it as tells whether a lone run has become dearer, in half a minute a round. */
export const lone: Part = async (bench) => {
  const { server } = bench;
  const open = [
    () => carillonByRest(server, 'lone_rest'),
    () => peerByClient(server, 'lone_graphile_worker', YARDSTICK),
  ];
  const rates = [200] as const;
  return figuresOf(await compare(bench, { open, processes: [1], rates }), rates);
};

interface Comparison {
  readonly open: readonly (() => Promise<Singles>)[];
  readonly processes: readonly number[];
  readonly rates: readonly number[];
}

async function compare(bench: Bench, { open, processes, rates }: Comparison): Promise<Series[]> {
  const { scale, tell } = bench;
  const all: Singles[] = [];
  const series: Series[] = [];
  try {
    for (const openOne of open) all.push(await openOne());
    for (let round = 1; round <= scale.rounds; round += 1)
      for (const count of processes)
        for (const singles of all) {
          tell(`trickle ${round}/${scale.rounds}: ${singles.name} x${count}`);
          await measureOne(bench, { singles, processes: count, rates, series });
        }
  } finally {
    for (const singles of all) await singles.close();
  }
  for (const line of ['', ...costTable(series)]) tell(line);
  return series;
}

async function measureOne(
  { scale }: Bench,
  {
    singles,
    processes,
    rates,
    series,
  }: { singles: Singles; processes: number; rates: readonly number[]; series: Series[] },
): Promise<void> {
  const meter = await Meter.open(singles.databaseUrl);
  try {
    await singles.staff(processes);
    await play(singles, WARM_UP);
    for (const perSecond of rates) {
      const seconds = scale.isQuick ? SECONDS.quick : SECONDS.full;
      const segment = await segmentOf(singles, meter, { perSecond, seconds });
      const known = series.find(
        (each) => each.name === singles.name && each.processes === processes && each.perSecond === perSecond,
      );
      if (known !== undefined) known.segments.push(segment);
      else series.push({ name: singles.name, processes, perSecond, segments: [segment] });
    }
    await singles.dismiss();
  } finally {
    await meter.close();
  }
}

interface Pace {
  readonly perSecond: number;
  readonly seconds: number;
}

async function segmentOf(singles: Singles, meter: Meter, pace: Pace): Promise<Segment> {
  const own = process.cpuUsage();
  const committed = await meter.countCommits();
  const stop = await meter.start(singles.pids);
  const { waits, cost, commits, askingMs } = await play(singles, pace, async () => {
    const { user, system } = process.cpuUsage(own);
    return { cost: await stop(), commits: await committed(), askingMs: (user + system) / 1_000 };
  });
  const runs = waits.length;
  return {
    nodeMs: cost.nodeMs / runs,
    postgresMs: cost.postgresMs / runs,
    statements: cost.statements / runs,
    walBytes: cost.walBytes / runs,
    blocks: cost.blocks / runs,
    othersMs: cost.othersMs / runs,
    askingMs: askingMs / runs,
    commits: commits / runs,
    p50: percentile(waits, 0.5),
    p99: percentile(waits, 0.99),
  };
}

/** Asks at an even pace, as long as the answers nearly keep up with it; looks at the costs once all is done. */
async function play<Seen extends object>(
  singles: Singles,
  { perSecond, seconds }: Pace,
  look: () => Promise<Seen> = async () => ({}) as Seen,
): Promise<{ waits: number[] } & Seen> {
  const startMs = performance.now();
  const count = perSecond * seconds;
  const asking = new Set<Promise<unknown>>();
  for (let number = 0; number < count; number += 1) {
    const waitMs = startMs + (number * 1_000) / perSecond - performance.now();
    if (waitMs > 1) await rest(waitMs);
    const askedAtMs = performance.timeOrigin + performance.now();
    // Who can't keep up makes its callers wait, and that counts.
    while (asking.size >= ASKING_MAX) await Promise.race(asking);
    const asked = singles.ask(number, askedAtMs).finally(() => asking.delete(asked));
    asking.add(asked);
  }
  await Promise.all(asking);
  await until(
    `${singles.name} has nothing left`,
    async () => {
      await rest(DONE_LOOK_MS);
      return singles.isDone();
    },
    60_000,
  );
  const seen = await look();
  return { waits: await singles.waits(count), ...seen };
}

const us = ({ nodeMs, postgresMs, askingMs }: Segment): number => (nodeMs + postgresMs + askingMs) * 1_000;

function costTable(series: readonly Series[]): string[] {
  const yardstick = ({ processes, perSecond }: Series): Series | undefined =>
    series.find(
      (each) => each.name === YARDSTICK && each.processes === processes && each.perSecond === perSecond,
    );
  const rows = series
    .toSorted((a, b) => a.processes - b.processes || a.perSecond - b.perSecond)
    .map((each) => {
      const median = (of: (segment: Segment) => number): string =>
        show(spreadOf(each.segments.map(of)).median);
      return [
        `${each.perSecond}/s, ${each.name} x${each.processes}`,
        median(({ nodeMs }) => nodeMs * 1_000),
        median(({ postgresMs }) => postgresMs * 1_000),
        median(({ askingMs }) => askingMs * 1_000),
        showSpread(each.segments.map(us)),
        show(spreadOf(ratios(each.segments.map(us), yardstick(each)?.segments.map(us) ?? [])).median),
        median(({ statements }) => statements),
        median(({ commits }) => commits),
        median(({ walBytes }) => walBytes),
        showSpread(each.segments.map(({ p50 }) => p50)),
        showSpread(each.segments.map(({ p99 }) => p99)),
      ];
    });
  const head = ['trickle, per run', 'Node us', 'Postgres us', 'asking us', 'all us', `to ${YARDSTICK}`];
  return textTable([...head, 'statements', 'commits', 'WAL bytes', 'start p50 ms', 'p99 ms'], rows);
}

function figuresOf(series: readonly Series[], rates: readonly number[]): Figure[] {
  return rates.flatMap((perSecond) => {
    const segmentsOf = (name: string): Segment[] =>
      series.find((each) => each.name === name && each.processes === 1 && each.perSecond === perSecond)
        ?.segments ?? [];
    const by = (name: string, of: (segment: Segment) => number): number[] =>
      ratios(segmentsOf(name).map(of), segmentsOf(YARDSTICK).map(of));
    const what = `trickle: ${perSecond} a second,`;
    const unit = 'times';
    return [
      {
        name: `trickle-cpu-${perSecond}`,
        what: `${what} processor time of a REST run to ${YARDSTICK}'s`,
        values: by(REST, us),
        unit,
      },
      {
        name: `trickle-client-cpu-${perSecond}`,
        what: `${what} processor time of a run by the client to ${YARDSTICK}'s`,
        values: by('Carillon client', us),
        unit,
      },
      {
        name: `trickle-bare-cpu-${perSecond}`,
        what: `${what} processor time of bare SQL over bare HTTP to ${YARDSTICK}'s`,
        values: by(LIMIT, us),
        unit,
      },
      {
        name: `trickle-start-p50-${perSecond}`,
        what: `${what} start p50 over REST to ${YARDSTICK}'s`,
        values: by(REST, ({ p50 }) => p50),
        unit,
      },
      {
        name: `trickle-start-p99-${perSecond}`,
        what: `${what} start p99 over REST to ${YARDSTICK}'s`,
        values: by(REST, ({ p99 }) => p99),
        unit,
      },
    ].filter(({ values }) => values.length > 0);
  });
}
