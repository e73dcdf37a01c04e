// How fast does work come in? One by one with sixteen callers, and a thousand in a call with four; while nothing takes
// it. Peers come in through their clients, Carillon also through its REST API, where a hint to the owner is part of it.
import { textTable } from '../../chaos/text-table.js';
import { Carillon, TENANTS } from '../contestants/carillon.js';
import { bestOf, ratios, showSpread, type Figure } from '../figures.js';
import { payloadOf } from '../peers/peer.js';
import { PEERS } from '../peers/roll.js';
import { callFor } from '../stand/callers.js';
import { openClient } from '../stand/client.js';
import type { Bench, Part } from './part.js';

const SINGLE_CALLERS = 16;
const BULK_CALLERS = 4;
const PER_CALL = 1_000;
const CONNECTIONS = 10;
const TIME_MS = { quick: 500, full: 3_000 };

interface Way {
  readonly who: string;
  readonly by: 'client' | 'rest';
  /** Runs in one call. */
  readonly size: 1 | typeof PER_CALL;
  readonly call: (number: number) => Promise<unknown>;
  readonly clear: () => Promise<unknown>;
  readonly rates: number[];
}

export const enqueue: Part = async (bench) => {
  const { scale, tell } = bench;
  const closers: (() => Promise<unknown>)[] = [];
  const ways: Way[] = [];
  const forMs = scale.isQuick ? TIME_MS.quick : TIME_MS.full;
  try {
    await openCarillon(bench, ways, closers);
    await openPeers(bench, ways, closers);
    for (let round = 1; round <= scale.rounds; round += 1)
      for (const way of ways) {
        const callers = way.size === 1 ? SINGLE_CALLERS : BULK_CALLERS;
        await callFor({ callers, forMs: forMs / 5 }, way.call);
        const { count, tookMs } = await callFor({ callers, forMs }, way.call);
        way.rates.push((count * way.size * 1_000) / tookMs);
        await way.clear();
      }
  } finally {
    for (const close of closers) await close();
  }
  const rows = ways.map(({ who, by, size, rates }) => [
    `${who}, ${by}, ${size} in a call`,
    showSpread(rates),
  ]);
  for (const line of ['', ...textTable(['enqueue', 'runs/s (min-max)'], rows)]) tell(line);
  return figuresOf(ways);
};

async function openCarillon(
  { server }: Bench,
  ways: Way[],
  closers: (() => Promise<unknown>)[],
): Promise<void> {
  const carillon = await Carillon.open({
    databaseUrl: await server.createDatabase('enqueue_carillon'),
    takesNothing: true,
  });
  closers.push(() => carillon.close());
  await carillon.staff(1);
  const client = await openClient(carillon.databaseUrl, CONNECTIONS);
  closers.unshift(() => client.close());
  const clear = () => carillon.pool.query('truncate /* bench */ carillon.run');
  const many = manyPayloads();
  const runs = many.map((payload) => ({ jobType: 'noop', payload }));
  const path = (number: number): string => `/tenants/${tenantOf(number)}/runs`;
  const calls: Pick<Way, 'by' | 'size' | 'call'>[] = [
    { by: 'client', size: 1, call: (number) => client.add(number, tenantOf(number)) },
    { by: 'client', size: PER_CALL, call: (number) => client.addMany(many, tenantOf(number)) },
    {
      by: 'rest',
      size: 1,
      call: (number) => carillon.ask(path(number), { jobType: 'noop', payload: payloadOf(number) }),
    },
    { by: 'rest', size: PER_CALL, call: (number) => carillon.ask(`${path(number)}:batchCreate`, { runs }) },
  ];
  for (const call of calls) ways.push({ who: carillon.name, ...call, clear, rates: [] });
}

async function openPeers({ server }: Bench, ways: Way[], closers: (() => Promise<unknown>)[]): Promise<void> {
  const many = manyPayloads();
  for (const peer of PEERS) {
    const url = await server.createDatabase(`enqueue_${peer.name.toLowerCase().replaceAll(/[^a-z]/g, '_')}`);
    await peer.migrate(url);
    const queue = await peer.openQueue(url);
    closers.push(() => queue.close());
    const way = { who: peer.name, by: 'client', clear: () => queue.clear() } as const;
    ways.push({ ...way, size: 1, call: (number) => queue.add(payloadOf(number)), rates: [] });
    ways.push({ ...way, size: PER_CALL, call: () => queue.addMany(many), rates: [] });
  }
}

const tenantOf = (number: number): string => `tenant-${number % TENANTS}`;
const manyPayloads = () => Array.from({ length: PER_CALL }, (_, number) => payloadOf(number));

function figuresOf(ways: readonly Way[]): Figure[] {
  const each = ways.map(({ who, by, size, rates }) => ({
    name: `enqueue-${who.toLowerCase().replaceAll(' ', '-')}-${by}-${size === 1 ? 'single' : 'bulk'}`,
    what: `enqueue: ${who}, ${by}, ${size} in a call`,
    values: rates,
    unit: 'runs/s',
  }));
  const compared = ([1, PER_CALL] as const).map((size) => {
    const of = (isAsked: (who: string) => boolean): number[] =>
      bestOf(
        ways
          .filter((way) => way.by === 'client' && way.size === size && isAsked(way.who))
          .map(({ rates }) => rates),
      );
    return {
      name: `enqueue-${size === 1 ? 'single' : 'bulk'}-vs-fastest-peer`,
      what: `enqueue: Carillon's client to the fastest peer's, ${size} in a call`,
      values: ratios(
        of((who) => who === 'Carillon'),
        of((who) => who !== 'Carillon' && who !== 'bare SQL'),
      ),
      unit: 'times',
    };
  });
  return [...each, ...compared];
}
