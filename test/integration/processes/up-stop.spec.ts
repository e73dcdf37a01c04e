// Does `npm start` heed a signal while a replica has not come up yet, and perhaps never will?
import { fork } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { createTestDatabase } from '../../support/test-database.js';
import { until } from '../../support/until.js';

const CLI = fileURLToPath(new URL('../../../dist/apps/cli/main.js', import.meta.url));
/** What the replica says before it loads the handlers for ever. */
const LOADS =
  'process.stderr.write("it loads\\n"); await new Promise(() => setInterval(() => undefined, 1_000));';

it('stops the replica and itself', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'carillon-up-stop-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await mkdir(join(folder, 'handlers'));
  await writeFile(join(folder, 'handlers/slow.mjs'), LOADS);
  const database = await createTestDatabase();
  onTestFinished(() => database.drop());
  const child = fork(
    CLI,
    ['up', '--no-demo', '--replicas', '1', '--port', '0', '--data', join(folder, 'data')],
    {
      silent: true,
      execArgv: [], // not those of the tests, by which Node would look for sources
      env: {
        PATH: process.env['PATH'],
        DATABASE_URL: database.url,
        CARILLON_HANDLERS: join(folder, 'handlers'),
      },
    },
  );
  onTestFinished(() => void child.kill('SIGKILL'));
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const log = join(folder, 'data/logs/r1.log');
  await until('the replica loads its handlers', async () =>
    (await readFile(log, 'utf8').catch(() => '')).includes('it loads'),
  );
  child.kill('SIGTERM');
  expect(await ended, said).toBe(0);
  expect(said).toMatch(/Stopped after/);
});
