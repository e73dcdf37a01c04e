// How long does the API take to answer, and what does an answer cost? Four callers that create runs, read them, list a
// tenant's runs and read tenants, at two replicas in turn. What is created is done, too: that is in its cost.
import { percentile } from '../../chaos/text-table.js';
import { Carillon, TENANTS } from '../contestants/carillon.js';
import type { Figure } from '../figures.js';
import { payloadOf } from '../peers/peer.js';
import { callFor } from '../stand/callers.js';
import { Meter } from '../stand/meter.js';
import type { Part } from './part.js';

const REPLICAS = 2;
const CALLERS = 4;
const TIME_MS = { quick: 1_500, full: 5_000 };

export const api: Part = async ({ server, scale }) => {
  const carillon = await Carillon.open({ databaseUrl: await server.createDatabase('api') });
  const meter = await Meter.open(carillon.databaseUrl);
  const forMs = scale.isQuick ? TIME_MS.quick : TIME_MS.full;
  const made: string[] = [];
  const tenant = (number: number): string => `/tenants/tenant-${number % TENANTS}`;
  const url = (number: number): string => carillon.urls[number % REPLICAS] ?? '';
  const calls = {
    'create a run': async (number: number) => {
      const body = { jobType: 'noop', payload: payloadOf(number) };
      const { id } = await carillon.ask<{ id: string }>(`${tenant(number)}/runs`, body, url(number));
      made.push(`${tenant(number)}/runs/${id}`);
    },
    'read a run': (number: number) => carillon.ask(made[number % made.length] ?? '', undefined, url(number)),
    'list runs': (number: number) => carillon.ask(`${tenant(number)}/runs`, undefined, url(number)),
    'read a tenant': (number: number) => carillon.ask(tenant(number), undefined, url(number)),
  };
  const figures: Figure[] = [];
  try {
    await carillon.staff(REPLICAS);
    for (const [what, call] of Object.entries(calls)) {
      await callFor({ callers: CALLERS, forMs: forMs / 3 }, call);
      const stop = await meter.start(carillon.pids);
      const { count, tookMs, timesMs } = await callFor({ callers: CALLERS, forMs }, call);
      const cost = await stop();
      const name = `api-${what.replaceAll(' ', '-')}`;
      const figure = (measure: string, value: number, unit: string): Figure => ({
        name: `${name}-${measure}`,
        what: `API: ${what}, ${measure}`,
        values: [value],
        unit,
      });
      figures.push(
        figure('p50', percentile(timesMs, 0.5), 'ms'),
        figure('p99', percentile(timesMs, 0.99), 'ms'),
        figure('rate', (count * 1_000) / tookMs, '/s'),
        figure('node-cpu', (cost.nodeMs * 1_000) / count, 'us'),
        figure('postgres-cpu', (cost.postgresMs * 1_000) / count, 'us'),
        figure('statements', cost.statements / count, ''),
      );
    }
  } finally {
    await meter.close();
    await carillon.close();
  }
  return figures;
};
