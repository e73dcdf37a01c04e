// A process whose only work is to use locks, as several users at once. It is frozen, killed and cut off on purpose, which no
// thread of the harness could be.
//
//   node user-process.ts <name> <seed> <log file> <URL of the database> <URL of each replica…>
import pg from 'pg';
import { lockClient } from '#client/locks/locks.js';
import { ADMIN_KEY } from '../../support/replica-fork.js';
import { Dice } from '../dice.js';
import { CutNetwork, type Cut } from './cut-network.js';
import { monotonicMs, writeLine } from './lock-log.js';
import { LOCK_TENANT } from './lock-plan.js';
import { LockUser } from './user.js';

const USERS = 3;
const SURE_EVERY_MS = 50;

const [name = '', seed = '0', file = '', databaseUrl = '', ...urls] = process.argv.slice(2);
const network = new CutNetwork();
globalThis.fetch = network.fetch;
process.on('message', (cut) => (network.cut = cut as Cut)); // the harness sends nothing else
process.once('disconnect', () => process.exit(1));

const pool = new pg.Pool({ connectionString: databaseUrl, max: USERS, application_name: 'chaos-lock-user' });
pool.on('error', () => undefined);
pool.on('connect', (client) => client.on('error', () => undefined));
const users = Array.from({ length: USERS }, (_, index) => {
  // Each begins with another replica.
  const url = urls.map((_each, place) => urls[(place + index) % urls.length] ?? '');
  const client = lockClient({ url, tenant: LOCK_TENANT, key: ADMIN_KEY });
  const dice = new Dice(Number(seed) + index);
  return new LockUser({ name: `${name}.${index}`, client, pool, dice, file });
});
setInterval(() => {
  const atMs = monotonicMs();
  const ids = users.flatMap((user) => user.sureOf);
  if (ids.length > 0) writeLine(file, { kind: 'sure', ids, atMs });
}, SURE_EVERY_MS);
await Promise.all(users.map(async (user) => user.work()));
