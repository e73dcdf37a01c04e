// What do locks cost a tenant that has none? Plain runs are drained as in any installation, beside ten thousand locks that
// another tenant holds; and without the triggers that give locks back, which look at each run that changes or ends.
// Processor time counts, since rates follow what else the machine does.
import { Carillon } from '../contestants/carillon.js';
import { ratios, show, type Figure } from '../figures.js';
import { holdMany, releaseMany } from '../stand/held-locks.js';
import { Meter } from '../stand/meter.js';
import type { Bench } from './part.js';

const REPLICAS = 2;
const WARM_UP_RUNS = 30_000;
const HELD = 10_000;
const HOLDER = 'tenant-0';
/** Each drain has others of its kind next to it, so that what drifts meets both. */
const DRAINS_PER_ROUND = 2;

interface Stand {
  readonly carillon: Carillon;
  readonly meter: Meter;
}

export async function unlocked({ server, scale, tell }: Bench): Promise<Figure[]> {
  const carillon = await Carillon.open({ databaseUrl: await server.createDatabase('locks_unused') });
  const meter = await Meter.open(carillon.databaseUrl);
  const stand = { carillon, meter };
  const [without, beside]: [number[], number[]] = [[], []];
  try {
    await carillon.staff(REPLICAS);
    await drainUs(stand, WARM_UP_RUNS);
    for (let number = 0; number < scale.rounds * DRAINS_PER_ROUND; number += 1) {
      const turns = [
        async () => without.push(await withoutLocks(stand, scale.runs)),
        async () => beside.push(await besideHeld(stand, scale.runs)),
      ];
      for (const turn of number % 2 === 0 ? turns : turns.toReversed()) await turn();
      tell(
        `locks: a plain run ${show(beside.at(-1) ?? 0)} us, ${show(without.at(-1) ?? 0)} without the triggers`,
      );
    }
  } finally {
    await meter.close();
    await carillon.close();
  }
  return [
    {
      name: 'locks-unused',
      what: `locks: processor time of a run without locks, beside ${show(HELD)} that are held, to one without the triggers`,
      values: ratios(beside, without),
      unit: 'times',
      limit: { atMost: 1.05 },
    },
  ];
}

async function withoutLocks(stand: Stand, runs: number): Promise<number> {
  const setTriggers = async (state: 'disable' | 'enable'): Promise<void> => {
    for (const name of ['release_run_locks', 'keep_run_locks'])
      await stand.carillon.pool.query(`alter table carillon.run ${state} trigger ${name}`);
  };
  await setTriggers('disable');
  try {
    return await drainUs(stand, runs);
  } finally {
    await setTriggers('enable');
  }
}

async function besideHeld(stand: Stand, runs: number): Promise<number> {
  const { pool } = stand.carillon;
  await holdMany(pool, { tenant: HOLDER, count: HELD });
  try {
    return await drainUs(stand, runs);
  } finally {
    await releaseMany(pool);
  }
}

/** Processor time of a run in microseconds, of the replicas and the server. */
async function drainUs({ carillon, meter }: Stand, runs: number): Promise<number> {
  await carillon.fill(runs);
  await carillon.pool.query('vacuum /* bench */ (analyze) carillon.run');
  const stop = await meter.start(carillon.pids);
  await carillon.drain();
  const { nodeMs, postgresMs } = await stop();
  await carillon.clear();
  return ((nodeMs + postgresMs) * 1_000) / runs;
}
