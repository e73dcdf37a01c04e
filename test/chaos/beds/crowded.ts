// The bed on which one tenant crowds the planner: thousands of schedules of each second with a backlog, so that each leader
// that is lost leaves more due times than a pass of the next one takes. They are paused: each due time costs the planner as
// much as any, and nothing runs, which would only show that two cores are not enough for all. The other tenants' fires have
// to be as punctual as on any bed.
import { groundOf } from './direct.js';
import type { Bed } from './bed.js';
import { addEachSecondSchedules } from '../../support/each-second-schedules.js';

export const CROWD = 'crowd';
/** With half of them, a planner that served all tenants in one queue was late by less than it looks ahead. */
const SCHEDULES = 6_000;
const BEHIND_SECONDS = 55;

export const crowded: Bed = {
  name: 'crowded',
  prepare: async (_server, databaseUrl) => groundOf(databaseUrl),
  limited: (kind) => kind,
  async addWork(cluster, { seat, witness }) {
    await cluster.insist(seat, '/api/v1/tenants', { body: { name: CROWD } });
    await addEachSecondSchedules(witness, {
      tenants: [CROWD],
      count: SCHEDULES,
      behindSeconds: BEHIND_SECONDS,
      state: 'paused',
    });
  },
};
