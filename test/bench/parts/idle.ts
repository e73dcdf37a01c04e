// What does a cluster cost that has nothing to do? Three replicas with a thousand tenants, and then with a million
// schedules of which none is due: statements, processor time and memory.
import { setTimeout as rest } from 'node:timers/promises';
import { Carillon } from '../contestants/carillon.js';
import type { Figure } from '../figures.js';
import { Meter } from '../stand/meter.js';
import { memoryOf } from '../stand/processor-time.js';
import type { Part } from './part.js';

const REPLICAS = 3;
const CALM_MS = 3_000;
const LOOK_MS = { quick: 5_000, full: 20_000 };
const SCHEDULES = 1_000_000;

export const idle: Part = async ({ server, scale }) => {
  const carillon = await Carillon.open({ databaseUrl: await server.createDatabase('idle') });
  const meter = await Meter.open(carillon.databaseUrl);
  const lookMs = scale.isQuick ? LOOK_MS.quick : LOOK_MS.full;
  const look = async () => {
    await rest(CALM_MS);
    const stop = await meter.start(carillon.pids);
    await rest(lookMs);
    const cost = await stop();
    const percent = (usedMs: number): number => (usedMs * 100) / lookMs;
    return {
      statements: (cost.statements * 1_000) / lookMs,
      node: percent(cost.nodeMs),
      postgres: percent(cost.postgresMs),
    };
  };
  try {
    await carillon.staff(REPLICAS);
    const bare = await look();
    const memory = carillon.pids().map((pid) => memoryOf(pid).nowMb);
    const figures: Figure[] = [
      {
        name: 'idle-statements',
        what: `idle: ${REPLICAS} replicas, statements in a second, in all`,
        values: [bare.statements],
        unit: '/s',
        limit: { atMost: 20 },
      },
      { name: 'idle-node-cpu', what: 'idle: Node, of one core', values: [bare.node], unit: '%' },
      { name: 'idle-postgres-cpu', what: 'idle: Postgres, of one core', values: [bare.postgres], unit: '%' },
      { name: 'idle-memory', what: 'idle: memory of a replica', values: memory, unit: 'MB' },
    ];
    if (scale.isQuick) return figures;
    await addSchedules(carillon);
    const beside = await look();
    return [
      ...figures,
      {
        name: 'idle-schedules-statements',
        what: 'idle: a million schedules that are not due, statements',
        values: [beside.statements],
        unit: '/s',
        limit: { atMost: 20 },
      },
      {
        name: 'idle-schedules-postgres-cpu',
        what: 'idle: a million schedules that are not due, Postgres',
        values: [beside.postgres],
        unit: '%',
      },
    ];
  } finally {
    await meter.close();
    await carillon.close();
  }
};

async function addSchedules({ pool }: Carillon): Promise<void> {
  await pool.query(
    `insert into carillon.schedule (id, tenant_id, slot, name, job_type, spec, next_due_at)
     select gen_random_uuid(), t.id, t.slot, 'far-' || n, 'noop',
            jsonb_build_object('kind', 'at', 'at', '2100-01-01T00:00:00.000Z'), '2100-01-01T00:00:00Z'
       from carillon.tenant t cross join generate_series(1, $1::int / (select count(*)::int from carillon.tenant)) n`,
    [SCHEDULES],
  );
  await pool.query('analyze carillon.schedule');
}
