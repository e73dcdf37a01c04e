// Do the tests of docs/TESTING.md pass as they stand there, and fail where the code that they test is wrong?
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { installClient } from '../../support/installed-client.js';
import { useTestServer } from '../../support/test-server.js';
import { useTenant } from '../../support/test-tenant.js';

const PAGE = resolve(import.meta.dirname, '../../../docs/TESTING.md');
const server = useTestServer();
const tenant = useTenant(server);

async function programs(): Promise<ReadonlyMap<string, string>> {
  const page = await readFile(PAGE, 'utf8');
  const blocks = [...page.matchAll(/^```js\n\/\/ (\S+)\n(.*?)^```$/gms)];
  return new Map(blocks.map(([, name = '', text = '']) => [name, text]));
}

/** Resolves with what `node --test` counts. */
async function test(name: string, change = (text: string) => text) {
  const folder = await mkdtemp(join(tmpdir(), 'carillon-testing-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await installClient(folder, 'zod', 'pg');
  const file = join(folder, name);
  await writeFile(file, change((await programs()).get(name) ?? ''));
  const { PATH } = process.env;
  const env = { PATH, DATABASE_URL: server.databaseUrl, CARILLON_TENANT: tenant.name };
  const ran = promisify(execFile)(process.execPath, ['--test', '--test-reporter=tap', file], { env });
  const { stdout } = await ran.catch((error: { stdout: string }) => error);
  const count = (what: string): number => Number(new RegExp(`^# ${what} (\\d+)$`, 'm').exec(stdout)?.[1]);
  return { passed: count('pass'), failed: count('fail') };
}

it('they pass', async () => {
  expect([...(await programs()).keys()]).toEqual(['resize.test.mjs', 'order.test.mjs']);
  expect(await test('resize.test.mjs')).toEqual({ passed: 2, failed: 0 });
  expect(await test('order.test.mjs')).toEqual({ passed: 1, failed: 0 });
});

it('they fail where the code is wrong', async () => {
  const forgetful = (text: string) => text.replace('heartbeat({ row: row + 1 });', '');
  expect(await test('resize.test.mjs', forgetful)).toEqual({ passed: 1, failed: 1 });
  const twice = (text: string) => text.replace('await placeOrder(tx, 17);', '$& $&');
  expect(await test('order.test.mjs', twice)).toEqual({ passed: 0, failed: 1 });
});
