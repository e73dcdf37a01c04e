// How fast is a queue emptied, and at what cost? Every contestant gets the same number of no-ops, in rounds that take turns,
// because machines are noisy: Carillon with one to three replicas, each peer and the sketch with one and two processes;
// when it is to be quick, all but the slowest with two.
// Time begins with the first start, when a contestant with great batches has some thousands already: a few per cent in
// their favour.
import { textTable } from '../../chaos/text-table.js';
import { runStatement } from '../../support/admin-statement.js';
import { Carillon } from '../contestants/carillon.js';
import type { Contestant } from '../contestants/contestant.js';
import { PeerContestant } from '../contestants/peer-contestant.js';
import { bestOf, ratios, show, showSpread, spreadOf, type Figure } from '../figures.js';
import { PEERS } from '../peers/roll.js';
import { Meter, type Cost } from '../stand/meter.js';
import type { Bench, Part } from './part.js';

/**
 * Before each measured drain: new processes are slow at first, each in its own way. What a program does for the first
 * twenty thousand runs is as much its compiler's work as its own.
 */
const WARM_UP_RUNS = 30_000;
/** BullMQ takes twenty times as long as others; its rate does not depend on how much there is. */
const SLOW = { name: 'bullmq', part: 20 };
/** Cores that programs use that have nothing to do with this; more is worth a word. */
const BUSY = 0.2;
/** In which the fastest of each side is compared. */
const COMPARED_PROCESSES_MAX = 2;

interface Series {
  readonly contestant: Contestant;
  readonly meter: Meter;
  readonly processes: number;
  readonly rates: number[];
  /** For each run, of all rounds. */
  readonly costs: Cost[];
}

export const drain: Part = async (bench) => {
  const contestants: Contestant[] = [];
  const meters: Meter[] = [];
  const series: Series[] = [];
  try {
    for (const open of openers(bench)) {
      const contestant = await open();
      contestants.push(contestant);
      const meter = await Meter.open(contestant.databaseUrl);
      meters.push(meter);
      for (const processes of seatsOf(contestant, bench))
        series.push({ contestant, meter, processes, rates: [], costs: [] });
    }
    for (let round = 1; round <= bench.scale.rounds; round += 1)
      for (const each of series)
        if (!(bench.scale.isQuick && each.contestant.name === SLOW.name && round > 1))
          await drainOnce(bench, each, round);
  } finally {
    for (const meter of meters) await meter.close();
    for (const contestant of contestants) await contestant.close();
  }
  bench.tell('');
  for (const line of costTable(series)) bench.tell(line);
  return figuresOf(series);
};

function openers({ server }: Bench): (() => Promise<Contestant>)[] {
  return [
    async () => Carillon.open({ databaseUrl: await server.createDatabase('drain_carillon') }),
    ...PEERS.map((peer) => async () => {
      const database = `drain_${peer.name.toLowerCase().replaceAll(/[^a-z]/g, '_')}`;
      return PeerContestant.open(peer, await server.createDatabase(database));
    }),
  ];
}

function seatsOf({ name }: Contestant, { scale }: Bench): number[] {
  if (scale.isQuick) return name === SLOW.name ? [1] : [2];
  return name === 'Carillon' ? [1, 2, 3] : [1, 2];
}

async function drainOnce({ scale, tell }: Bench, series: Series, round: number): Promise<void> {
  const { contestant, meter, processes, rates, costs } = series;
  const part = contestant.name === SLOW.name ? SLOW.part : 1;
  const runs = Math.ceil(scale.runs / part);
  await contestant.staff(processes);
  await fillAndDrain(contestant, Math.min(runs, WARM_UP_RUNS / part));
  await contestant.fill(runs);
  await runStatement(contestant.databaseUrl, 'vacuum (analyze)');
  const stop = await meter.start(contestant.pids);
  const tookMs = await contestant.drain(runs);
  const cost = await stop();
  await contestant.clear();
  await contestant.dismiss();
  rates.push((runs * 1_000) / tookMs);
  costs.push(perRun(cost, runs));
  const others =
    cost.othersMs / tookMs > BUSY ? `, beside ${show(cost.othersMs / tookMs)} cores of other programs` : '';
  tell(
    `drain ${round}/${scale.rounds}: ${label(series)} ${show((runs * 1_000) / tookMs)} runs a second${others}`,
  );
}

async function fillAndDrain(contestant: Contestant, runs: number): Promise<void> {
  await contestant.fill(runs);
  await contestant.drain(runs);
  await contestant.clear();
}

function perRun(cost: Cost, runs: number): Cost {
  return {
    nodeMs: cost.nodeMs / runs,
    postgresMs: cost.postgresMs / runs,
    statements: cost.statements / runs,
    walBytes: cost.walBytes / runs,
    blocks: cost.blocks / runs,
    othersMs: cost.othersMs / runs,
  };
}

const label = ({ contestant, processes }: Series): string => `${contestant.name} x${processes}`;

function costTable(series: readonly Series[]): string[] {
  const median = (costs: readonly Cost[], key: keyof Cost, factor = 1): string =>
    show(spreadOf(costs.map((cost) => cost[key] * factor)).median);
  return textTable(
    [
      'drain, per run',
      'runs/s (min-max)',
      'Node CPU us',
      'Postgres CPU us',
      'statements/1000',
      'WAL bytes',
      'blocks',
    ],
    series.map((each) => [
      label(each),
      showSpread(each.rates),
      median(each.costs, 'nodeMs', 1_000),
      median(each.costs, 'postgresMs', 1_000),
      median(each.costs, 'statements', 1_000),
      median(each.costs, 'walBytes'),
      median(each.costs, 'blocks'),
    ]),
  );
}

/** A peer that may be the fastest. */
const isFast = (name: string): boolean => !['Carillon', 'bare SQL', SLOW.name].includes(name);

function figuresOf(series: readonly Series[]): Figure[] {
  const rates = (of: (name: string) => boolean): number[][] =>
    series
      .filter(({ contestant, processes }) => of(contestant.name) && processes <= COMPARED_PROCESSES_MAX)
      .map((each) => each.rates);
  const carillon = bestOf(rates((name) => name === 'Carillon'));
  const sketch = bestOf(rates((name) => name === 'bare SQL'));
  const peers = bestOf(rates(isFast));
  const leanest = (of: (name: string) => boolean): number[] =>
    bestOf(
      series
        .filter(({ contestant }) => of(contestant.name))
        .map(({ costs }) => costs.map(({ nodeMs, postgresMs }) => 1 / (nodeMs + postgresMs))),
    );
  const eachSeries = series.map((each) => ({
    name: `drain-${each.contestant.name.toLowerCase().replaceAll(' ', '-')}-x${each.processes}`,
    what: `drain: ${label(each)}`,
    values: each.rates,
    unit: 'runs/s',
  }));
  return [
    ...eachSeries,
    {
      name: 'drain-vs-fastest-peer',
      what: 'drain: Carillon to the fastest peer, each at its best',
      values: ratios(carillon, peers),
      unit: 'times',
      limit: { atLeast: 4 },
    },
    {
      name: 'drain-vs-bare-sql',
      what: 'drain: Carillon to bare SQL, each at its best',
      values: ratios(carillon, sketch),
      unit: 'times',
      limit: { atLeast: 0.7 },
    },
    {
      // Other programs on the machine hardly change this one.
      name: 'drain-cpu-vs-leanest-peer',
      what: "drain: runs for a second of processor time, Carillon's to the leanest peer's",
      values: ratios(
        leanest((name) => name === 'Carillon'),
        leanest(isFast),
      ),
      unit: 'times',
    },
  ];
}
