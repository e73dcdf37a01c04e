// How does a user's program enqueue? With the functions of the package, which are taken from the built product, since
// that is what users run, and typed by their sources.
import { fileURLToPath } from 'node:url';
import { existsSync } from 'node:fs';
import pg from 'pg';
import type * as client from '#client/jobs/enqueue.js';
import type { EnqueueableJob } from '#client/jobs/enqueue-options.js';
import { WAITING_JOB } from '../contestants/carillon.js';
import { payloadOf, type Payload } from '../peers/peer.js';

const BUILT = new URL('../../../dist/libs/client/jobs/enqueue.js', import.meta.url);

/** What defineJob answers with, as far as enqueueing needs it. */
function jobNamed(name: string): EnqueueableJob<Payload> {
  const validate = (value: unknown) => ({ value: value as Payload }); // its own payloads
  return { name, payload: { '~standard': { version: 1, vendor: 'bench', validate } } };
}

const noop = jobNamed('noop');
const waiting = jobNamed(WAITING_JOB);

export interface Client {
  add(number: number, tenant: string): Promise<unknown>;
  /** A run that tells how long it waited. Its slot's owner is told of it as well. */
  addWaiting(number: number, options: { tenant: string; askedAtMs: number }): Promise<unknown>;
  addMany(payloads: readonly Payload[], tenant: string): Promise<unknown>;
  close(): Promise<void>;
}

export async function openClient(url: string, connections: number): Promise<Client> {
  const path = fileURLToPath(BUILT);
  if (!existsSync(path))
    throw new Error(`expected the built client at ${path}, found none: run npm run build`);
  const { enqueue, bulkEnqueue } = (await import(BUILT.href)) as typeof client; // the same, compiled
  const pool = new pg.Pool({ connectionString: url, max: connections });
  return {
    add: (number, tenant) => enqueue(pool, noop, payloadOf(number), { tenant }),
    addWaiting: async (number, { tenant, askedAtMs }) => {
      await enqueue(pool, waiting, payloadOf(number, askedAtMs), { tenant });
      await pool.query('select carillon.hint($1)', [tenant]);
    },
    addMany: (payloads, tenant) =>
      bulkEnqueue(
        pool,
        noop,
        payloads.map((payload) => ({ payload })),
        { tenant },
      ),
    close: () => pool.end(),
  };
}
