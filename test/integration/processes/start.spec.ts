// What does a replica's process say as it starts? While it waits for its database it says so in one line, and ends on
// SIGTERM without a stack, as it ends by itself, with the remedy, when waiting can't help. A setting that is missing is
// named in its log.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { expect, inject, it, onTestFinished } from 'vitest';
import { findFreePort } from '#database/embedded/server/free-port.js';
import { REPLICA_FLAGS } from '../../../apps/server/settings/node-flags.js';
import { withDatabase } from '../../support/admin-statement.js';
import { createTestDatabase } from '../../support/test-database.js';
import { until } from '../../support/until.js';

const SERVER = fileURLToPath(new URL('../../../dist/apps/server/main.js', import.meta.url));

function start(databaseUrl: string, env: Readonly<Record<string, string>> = {}) {
  const child = fork(SERVER, [], {
    silent: true,
    execArgv: [...REPLICA_FLAGS], // not those of the tests, by which Node would look for sources
    env: { PATH: process.env['PATH'], DATABASE_URL: databaseUrl, CARILLON_PORT: '0', ...env },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const seen = { output: '' };
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => (seen.output += chunk.toString()));
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  return { child, seen, exited };
}

it('a replica without a database waits, says for what, and ends on SIGTERM without a stack', async () => {
  const port = await findFreePort();
  const { child, seen, exited } = start(`postgres://nobody@127.0.0.1:${port}/nothing`);
  await until('it says what it waits for', () => seen.output !== '');
  expect(child.exitCode).toBeNull();
  child.kill('SIGTERM');
  expect(await exited).toBe(143);
  expect(seen.output).toMatch(
    new RegExp(
      `^waiting for the database, DATABASE_URL \\(127\\.0\\.0\\.1:${port}/nothing\\): connect ECONNREFUSED .*\\n$`,
    ),
  );
});

it('a replica whose database is not there ends with the remedy, in one line', async () => {
  const { seen, exited } = start(withDatabase(inject('databaseUrl'), 'not_there'));
  expect(await exited).toBe(1);
  expect(seen.output).toMatch(
    /^DATABASE_URL \(.*\/not_there\): expected to be let in, got: .*3D000\); create it, or name another database\n$/,
  );
});

it('a replica that listens on every address says which setting tells the others where it is', async () => {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  const { child, seen, exited } = start(database.url, { CARILLON_HOST: '0.0.0.0' });
  await until('it has advised', () =>
    seen.output.includes('set CARILLON_URL to where this replica is reached'),
  );
  child.kill('SIGTERM');
  expect([0, 143]).toContain(await exited);
});

it('a replica whose port is taken ends with the setting, and does not blame the database', async () => {
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  const other = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void other.close());
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo; // a TCP server that listens has one
  const { seen, exited } = start(database.url, { CARILLON_PORT: String(port) });
  expect(await exited).toBe(1);
  expect(seen.output).toContain(`expected to listen on port ${port} of 127.0.0.1, got: listen EADDRINUSE`);
  expect(seen.output).not.toContain('the database went away');
});
