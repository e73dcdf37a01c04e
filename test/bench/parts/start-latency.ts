// How long does a run wait that could start at once? From the instant at which it is asked for, to the first line of
// its handler: on an idle system, and beside a steady load, one after the other. Carillon is asked over REST, at each
// of two replicas in turn; peers through their clients. All have two processes.
import { setTimeout as rest } from 'node:timers/promises';
import { percentile, textTable } from '../../chaos/text-table.js';
import { until } from '../../support/until.js';
import { Carillon, TENANTS, WAITING_JOB } from '../contestants/carillon.js';
import { PeerContestant } from '../contestants/peer-contestant.js';
import { ratios, showSpread, type Figure } from '../figures.js';
import { payloadOf } from '../peers/peer.js';
import { PEERS } from '../peers/roll.js';
import type { Bench, Part } from './part.js';

const PROCESSES = 2;
/** So that each finds the system as if nothing had ever been asked: nothing is remembered or spaced that long. */
const EVERY_MS = { idle: 70, busy: 10 };
const ASKED = { quick: 60, full: 300 };
/** New processes are slow at first, each in its own way. */
const WARM_UP = 300;
/** Less than half of what the slowest of the fast can do; of BullMQ that would be all. */
const LOAD_PER_SECOND = { bullmq: 500, others: 5_000 };
const LOAD_EVERY_MS = 20;

interface Waiter {
  readonly name: string;
  readonly ask: (number: number, askedAtMs: number) => Promise<unknown>;
  /** How long those waited that have been asked for since it was last called, which are so many. */
  readonly waits: (count: number) => Promise<number[]>;
  readonly load: (runs: number) => Promise<unknown>;
  readonly close: () => Promise<unknown>;
}

type Found = Record<'idle' | 'busy', { p50: number[]; p99: number[] }>;

export const startLatency: Part = async (bench) => {
  const { scale, tell } = bench;
  const waiters: Waiter[] = [];
  const found = new Map<string, Found>();
  try {
    waiters.push(await carillonWaiter(bench));
    for (const peer of PEERS) if (peer.name !== 'bare SQL') waiters.push(await peerWaiter(bench, peer.name));
    for (const { name } of waiters)
      found.set(name, { idle: { p50: [], p99: [] }, busy: { p50: [], p99: [] } });
    for (let round = 1; round <= (scale.isQuick ? 1 : scale.rounds); round += 1)
      for (const waiter of waiters) {
        await ask(waiter, WARM_UP, EVERY_MS.busy);
        for (const how of ['idle', 'busy'] as const) {
          const count = scale.isQuick ? ASKED.quick : ASKED.full;
          const waits =
            how === 'idle' ? await ask(waiter, count, EVERY_MS.idle) : await askBesideLoad(waiter, count);
          found.get(waiter.name)?.[how].p50.push(percentile(waits, 0.5));
          found.get(waiter.name)?.[how].p99.push(percentile(waits, 0.99));
        }
      }
  } finally {
    for (const waiter of waiters) await waiter.close();
  }
  const rows = [...found].map(([name, { idle, busy }]) => [
    name,
    ...[idle.p50, idle.p99, busy.p50, busy.p99].map(showSpread),
  ]);
  const head = ['enqueue to start, ms', 'idle p50', 'idle p99', 'busy p50', 'busy p99'];
  for (const line of ['', ...textTable(head, rows)]) tell(line);
  return figuresOf(found);
};

async function ask({ ask, waits }: Waiter, count: number, everyMs: number): Promise<number[]> {
  for (let number = 0; number < count; number += 1) {
    await ask(number, performance.timeOrigin + performance.now());
    await rest(everyMs);
  }
  return waits(count);
}

async function askBesideLoad(waiter: Waiter, count: number): Promise<number[]> {
  const perSecond = waiter.name === 'bullmq' ? LOAD_PER_SECOND.bullmq : LOAD_PER_SECOND.others;
  const stop = new AbortController();
  const load = (async () => {
    while (!stop.signal.aborted) {
      const nextMs = performance.now() + LOAD_EVERY_MS;
      await waiter.load((perSecond * LOAD_EVERY_MS) / 1_000);
      await rest(Math.max(0, nextMs - performance.now()));
    }
  })();
  try {
    return await ask(waiter, count, EVERY_MS.busy);
  } finally {
    stop.abort();
    await load;
  }
}

async function carillonWaiter({ server }: Bench): Promise<Waiter> {
  const carillon = await Carillon.open({ databaseUrl: await server.createDatabase('waits_carillon') });
  await carillon.staff(PROCESSES);
  let calls = 0;
  const path = (): string => `/tenants/tenant-${(calls++ * 37) % TENANTS}/runs`;
  const waited = async (): Promise<number[]> => {
    const { rows } = await carillon.pool.query<{ waitedMs: number }>(
      `select /* bench */ (output ->> 'waitedMs')::float8 as "waitedMs" from carillon.run_history where job_type = $1`,
      [WAITING_JOB],
    );
    return rows.map((row) => row.waitedMs);
  };
  return {
    name: carillon.name,
    ask: (number, askedAtMs) => {
      const body = { jobType: WAITING_JOB, payload: payloadOf(number, askedAtMs) };
      return carillon.ask(path(), body, carillon.urls[number % PROCESSES]);
    },
    waits: async (count) => {
      const found = await until('all have started', async () => {
        const waits = await waited();
        return waits.length >= count && waits;
      });
      await carillon.clear();
      return found;
    },
    load: (runs) => {
      const items = Array.from({ length: runs }, (_, number) => ({
        jobType: 'noop',
        payload: payloadOf(number),
      }));
      return carillon.ask(`${path()}:batchCreate`, { runs: items }, carillon.urls[calls % PROCESSES]);
    },
    close: () => carillon.close(),
  };
}

async function peerWaiter({ server }: Bench, name: string): Promise<Waiter> {
  const peer = PEERS.find((each) => each.name === name);
  if (peer === undefined) throw new Error(`expected a peer, got ${name}`);
  const url = await server.createDatabase(`waits_${name.replaceAll(/[^a-z]/g, '_')}`);
  const contestant = await PeerContestant.open(peer, url);
  await contestant.staff(PROCESSES);
  await contestant.begin();
  return {
    name,
    ask: (number, askedAtMs) => contestant.queue.add(payloadOf(number, askedAtMs)),
    waits: (count) => contestant.waitsOf(count),
    load: (runs) => contestant.fill(runs),
    close: () => contestant.close(),
  };
}

function figuresOf(found: ReadonlyMap<string, Found>): Figure[] {
  const carillon = found.get('Carillon');
  const graphile = found.get('graphile-worker');
  if (carillon === undefined || graphile === undefined) return [];
  const figure = (name: string, what: string, values: readonly number[]): Figure => ({
    name,
    what: `enqueue to start: ${what}`,
    values,
    unit: 'ms',
  });
  return [
    { ...figure('start-latency-idle-p50', 'idle, p50', carillon.idle.p50), limit: { atMost: 3 } },
    { ...figure('start-latency-idle-p99', 'idle, p99', carillon.idle.p99), limit: { atMost: 10 } },
    figure('start-latency-busy-p50', 'half load, p50', carillon.busy.p50),
    figure('start-latency-busy-p99', 'half load, p99', carillon.busy.p99),
    {
      ...figure(
        'start-latency-vs-graphile',
        "idle, p50, Carillon's by graphile-worker's",
        ratios(carillon.idle.p50, graphile.idle.p50),
      ),
      unit: 'times',
    },
  ];
}
