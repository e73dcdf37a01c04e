// What happens to the database? It is restarted, politely and not, with and without a pause, and one of its sessions
// is killed, at which it ends all the others and recovers without having been restarted.
import { setTimeout as rest } from 'node:timers/promises';
import { AFTER_OUTAGE, type FaultKind } from '../faults.js';
import type { Crash } from '../database-server.js';

const restart = (name: string, { mode, downMs }: { mode: Crash; downMs: number }): FaultKind => ({
  name,
  death: 'never',
  from: 'heal',
  limits: AFTER_OUTAGE,
  async strike({ cluster, server, alsoStrikes, note }) {
    for (const seat of cluster.seats) await alsoStrikes(seat);
    const startedAtMs = Date.now();
    await server.restart(mode, { downMs });
    note(`away for ${Date.now() - startedAtMs} ms`);
  },
});

const sessionKilled: FaultKind = {
  name: 'backend-killed',
  death: 'never',
  from: 'heal',
  limits: AFTER_OUTAGE,
  async strike({ cluster, witness, alsoStrikes }) {
    for (const seat of cluster.seats) await alsoStrikes(seat);
    // A session made for it: its death is that of all others, but of no statement that matters.
    const { pid } = await witness.askOne<{ pid: number }>('select pg_backend_pid() as pid');
    process.kill(pid, 'SIGKILL');
    await rest(50);
    await witness.ask('select 1'); // it has recovered
  },
};

export const serverFaults: readonly FaultKind[] = [
  restart('postgres-immediate', { mode: 'immediate', downMs: 0 }),
  restart('postgres-fast', { mode: 'fast', downMs: 0 }),
  restart('postgres-away-8s', { mode: 'immediate', downMs: 8_000 }),
  sessionKilled,
];
