// How long does a run wait that could start at once? From the instant at which it is asked for, to the first line of
// its handler: on an idle system, and beside a steady load, one after the other. Carillon is asked over REST, at each
// of two replicas in turn; peers through their clients. All have two processes.
import { setTimeout as rest } from 'node:timers/promises';
import { percentile, textTable } from '../../chaos/text-table.js';
import { carillonByRest, peerByClient, type Singles } from '../contestants/singles.js';
import { ratios, showSpread, type Figure } from '../figures.js';
import { PEERS } from '../peers/roll.js';
import type { Part } from './part.js';

const PROCESSES = 2;
/** So that each finds the system as if nothing had ever been asked: nothing is remembered or spaced that long. */
const EVERY_MS = { idle: 70, busy: 10 };
const ASKED = { quick: 60, full: 300 };
/** New processes are slow at first, each in its own way. */
const WARM_UP = 300;
/** Less than half of what the slowest of the fast can do; of BullMQ that would be all. */
const LOAD_PER_SECOND = { bullmq: 500, others: 5_000 };
const LOAD_EVERY_MS = 20;

type Found = Record<'idle' | 'busy', { p50: number[]; p99: number[] }>;

export const startLatency: Part = async (bench) => {
  const { server, scale, tell } = bench;
  const waiters: Singles[] = [];
  const found = new Map<string, Found>();
  try {
    waiters.push(await carillonByRest(server, 'waits_carillon'));
    for (const { name } of PEERS)
      if (name !== 'bare SQL')
        waiters.push(await peerByClient(server, `waits_${name.replaceAll(/[^a-z]/g, '_')}`, name));
    for (const waiter of waiters) await waiter.staff(PROCESSES);
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

async function ask(singles: Singles, count: number, everyMs: number): Promise<number[]> {
  for (let number = 0; number < count; number += 1) {
    await singles.ask(number, performance.timeOrigin + performance.now());
    await rest(everyMs);
  }
  return singles.waits(count);
}

async function askBesideLoad(waiter: Singles, count: number): Promise<number[]> {
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
