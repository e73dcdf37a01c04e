// What does a fire cost, from its plan to its run's end? Five hundred a second at a hundred instants, at two replicas,
// beside what the same replicas cost while nothing is due.
import { setTimeout as rest } from 'node:timers/promises';
import { percentile } from '../../chaos/text-table.js';
import { Carillon } from '../contestants/carillon.js';
import { show, type Figure } from '../figures.js';
import { Meter, type Cost } from '../stand/meter.js';
import type { Part } from './part.js';
import { beginTicking, CALM_MS, endTicking, lateMsOf } from './ticking.js';

const REPLICAS = 2;
const SCHEDULES = 500;
const LOOK_MS = { quick: 5_000, full: 20_000 };

export const fires: Part = async ({ server, scale, tell }) => {
  const carillon = await Carillon.open({ databaseUrl: await server.createDatabase('fires') });
  const meter = await Meter.open(carillon.databaseUrl);
  const lookMs = scale.isQuick ? LOOK_MS.quick : LOOK_MS.full;
  const found: Record<'fire' | 'idle' | 'p50' | 'p99', number[]> = { fire: [], idle: [], p50: [], p99: [] };
  try {
    await carillon.staff(REPLICAS);
    for (let round = 1; round <= scale.rounds; round += 1) {
      const idle = await costOf(meter, carillon, lookMs);
      await beginTicking(carillon.pool, SCHEDULES);
      await rest(CALM_MS);
      const committed = await meter.countCommits();
      const busy = await costOf(meter, carillon, lookMs);
      const commits = await committed();
      const late = await lateMsOf(carillon.pool, lookMs);
      await endTicking(carillon.pool);
      await rest(CALM_MS);
      const count = (SCHEDULES * lookMs) / 1_000;
      found.fire.push(usEach(busy, count));
      found.idle.push(usEach(idle, lookMs / 1_000) / 1_000);
      found.p50.push(percentile(late, 0.5));
      found.p99.push(percentile(late, 0.99));
      const [node, postgres] = [busy.nodeMs, busy.postgresMs].map((ms) => show((ms * 1_000) / count));
      tell(
        `fires ${round}/${scale.rounds}: ${node} us of Node and ${postgres} of PostgreSQL each, ${show(busy.statements / count)} statements, ` +
          `${show(commits / count)} commits, ${show(busy.walBytes / count)} bytes of WAL`,
      );
    }
  } finally {
    await meter.close();
    await carillon.close();
  }
  return figuresOf(found);
};

async function costOf(meter: Meter, carillon: Carillon, lookMs: number): Promise<Cost> {
  const stop = await meter.start(carillon.pids);
  await rest(lookMs);
  return stop();
}

function usEach({ nodeMs, postgresMs }: Cost, count: number): number {
  return ((nodeMs + postgresMs) * 1_000) / count;
}

function figuresOf(found: Record<'fire' | 'idle' | 'p50' | 'p99', number[]>): Figure[] {
  return [
    {
      name: 'fire-cost',
      what: `fires: processor time of one of ${SCHEDULES} a second, idle loops included`,
      values: found.fire,
      unit: 'us',
    },
    {
      name: 'fire-idle',
      what: `fires: processor time of a second in which nothing is due, at ${REPLICAS} replicas`,
      values: found.idle,
      unit: 'ms',
    },
    { name: 'fire-late-p50', what: 'fires: start after the due time, p50', values: found.p50, unit: 'ms' },
    { name: 'fire-late-p99', what: 'fires: start after the due time, p99', values: found.p99, unit: 'ms' },
  ];
}
