// What does a run cost that comes in with a thousand others? Four callers, call after call, while nothing takes what comes:
// the processor time of this process, of the replica that it asks, and of PostgreSQL, and the rate that follows. Carillon by
// its client and over REST, and each peer at its best, in turn.
import { textTable } from '../../chaos/text-table.js';
import { Carillon, TENANTS } from '../contestants/carillon.js';
import { bestOf, ratios, show, showSpread, spreadOf, type Figure } from '../figures.js';
import { payloadOf } from '../peers/peer.js';
import { PEERS } from '../peers/roll.js';
import { openClient } from '../stand/client.js';
import { Meter, type Cost } from '../stand/meter.js';
import type { Bench, Part } from './part.js';

const PER_CALL = 1_000;
/** So many that all processors have something to do. */
const CALLERS = 4;
const CALLS = { quick: 20, full: 60 };
/** New connections and plans are slow at first. */
const WARM_UP_CALLS = 12;
const CLIENT = 'Carillon, client';
const REST = 'Carillon, REST';
/** Neither is a peer. */
const OURS: readonly string[] = [CLIENT, REST, 'bare SQL'];

interface Way {
  readonly who: string;
  readonly meter: Meter;
  /** Beside this process. */
  readonly pids: readonly number[];
  readonly call: (number: number) => Promise<unknown>;
  readonly clear: () => Promise<unknown>;
  readonly seen: Segment[];
}

/** Of a run, in microseconds. */
interface Segment {
  readonly node: number;
  readonly postgres: number;
  readonly wal: number;
  readonly perSecond: number;
}

export const bulk: Part = async (bench) => {
  const { scale, tell } = bench;
  const closers: (() => Promise<unknown>)[] = [];
  const ways: Way[] = [];
  try {
    await openCarillon(bench, ways, closers);
    await openPeers(bench, ways, closers);
    for (let round = 1; round <= scale.rounds; round += 1)
      for (const way of ways) {
        tell(`bulk ${round}/${scale.rounds}: ${way.who}`);
        await measure(way, scale.isQuick ? CALLS.quick : CALLS.full);
      }
  } finally {
    for (const close of closers) await close();
  }
  const rows = ways.map(({ who, seen }) => [
    who,
    show(spreadOf(seen.map(({ node }) => node)).median),
    show(spreadOf(seen.map(({ postgres }) => postgres)).median),
    showSpread(seen.map(costOf)),
    show(spreadOf(seen.map(({ wal }) => wal)).median),
    showSpread(seen.map(({ perSecond }) => perSecond)),
  ]);
  const head = ['bulk, per run', 'Node us', 'Postgres us', 'all us (min-max)', 'WAL bytes', 'runs/s'];
  for (const line of ['', ...textTable(head, rows)]) tell(line);
  return figuresOf(ways);
};

async function measure({ meter, pids, call, clear, seen }: Way, calls: number): Promise<void> {
  await callAll(call, WARM_UP_CALLS);
  await clear();
  const startMs = performance.now();
  const stop = await meter.start(() => [process.pid, ...pids]);
  await callAll(call, calls);
  const cost = await stop();
  const tookMs = performance.now() - startMs;
  seen.push(segmentOf(cost, { runs: calls * PER_CALL, tookMs }));
  await clear();
}

async function callAll(call: Way['call'], calls: number): Promise<void> {
  let next = 0;
  const play = async (): Promise<void> => {
    while (next < calls) await call(next++);
  };
  await Promise.all(Array.from({ length: CALLERS }, play));
}

function segmentOf(cost: Cost, { runs, tookMs }: { runs: number; tookMs: number }): Segment {
  return {
    node: (cost.nodeMs * 1_000) / runs,
    postgres: (cost.postgresMs * 1_000) / runs,
    wal: cost.walBytes / runs,
    perSecond: (runs * 1_000) / tookMs,
  };
}

async function openCarillon(
  { server }: Bench,
  ways: Way[],
  closers: (() => Promise<unknown>)[],
): Promise<void> {
  const databaseUrl = await server.createDatabase('bulk_carillon');
  const carillon = await Carillon.open({ databaseUrl, takesNothing: true });
  closers.unshift(() => carillon.close());
  await carillon.staff(1);
  const client = await openClient(databaseUrl, CALLERS);
  closers.unshift(() => client.close());
  const meter = await Meter.open(databaseUrl);
  closers.unshift(() => meter.close());
  const many = manyPayloads();
  const runs = many.map((payload) => ({ jobType: 'noop', payload }));
  const tenantOf = (number: number): string => `tenant-${number % TENANTS}`;
  const clear = () => carillon.pool.query('truncate /* bench */ carillon.run');
  ways.push({
    who: CLIENT,
    meter,
    pids: [],
    call: (number) => client.addMany(many, tenantOf(number)),
    clear,
    seen: [],
  });
  ways.push({
    who: REST,
    meter,
    pids: carillon.pids(),
    call: (number) => carillon.ask(`/tenants/${tenantOf(number)}/runs:batchCreate`, { runs }),
    clear,
    seen: [],
  });
}

async function openPeers({ server }: Bench, ways: Way[], closers: (() => Promise<unknown>)[]): Promise<void> {
  const many = manyPayloads();
  for (const peer of PEERS) {
    const url = await server.createDatabase(`bulk_${peer.name.toLowerCase().replaceAll(/[^a-z]/g, '_')}`);
    await peer.migrate(url);
    const queue = await peer.openQueue(url);
    closers.unshift(() => queue.close());
    const meter = await Meter.open(url);
    closers.unshift(() => meter.close());
    ways.push({
      who: peer.name,
      meter,
      pids: [],
      call: () => queue.addMany(many),
      clear: () => queue.clear(),
      seen: [],
    });
  }
}

const manyPayloads = () => Array.from({ length: PER_CALL }, (_, number) => payloadOf(number));
const costOf = ({ node, postgres }: Segment): number => node + postgres;

function figuresOf(ways: readonly Way[]): Figure[] {
  const seenBy = (isAsked: (who: string) => boolean): Segment[][] =>
    ways.filter(({ who }) => isAsked(who)).map(({ seen }) => seen);
  const peers = seenBy((who) => !OURS.includes(who));
  const fastest = bestOf(peers.map((seen) => seen.map(({ perSecond }) => perSecond)));
  // The greatest number of runs for a second of processor time.
  const leanest = bestOf(peers.map((seen) => seen.map((segment) => 1 / costOf(segment)))).map(
    (most) => 1 / most,
  );
  return [CLIENT, REST].flatMap((asked) => {
    const [seen = []] = seenBy((who) => who === asked);
    const name = asked === CLIENT ? 'bulk-enqueue' : 'bulk-enqueue-rest';
    const what = `bulk: ${asked}, a thousand in a call,`;
    return [
      {
        name: `${name}-cpu`,
        what: `${what} processor time of a run`,
        values: seen.map(costOf),
        unit: 'us',
      },
      {
        name: `${name}-cpu-vs-leanest-peer`,
        what: `${what} processor time to the leanest peer's`,
        values: ratios(seen.map(costOf), leanest),
        unit: 'times',
      },
      {
        name: `${name}-vs-fastest-peer`,
        what: `${what} rate to the fastest peer's`,
        values: ratios(
          seen.map(({ perSecond }) => perSecond),
          fastest,
        ),
        unit: 'times',
      },
    ];
  });
}
