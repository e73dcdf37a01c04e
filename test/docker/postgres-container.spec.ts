// Do the integration tests hold on the PostgreSQL that people run in production, and not only on the embedded
// one? Testcontainers starts a container of the published image, and vitest itself is run against it.
//
// What a killed run leaves behind, Testcontainers removes by a container of its own; where the image for that
// can't be had, TESTCONTAINERS_RYUK_DISABLED=true does without.
import { execFile } from 'node:child_process';
import { PostgreSqlContainer, type StartedPostgreSqlContainer } from '@testcontainers/postgresql';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { REPOSITORY, requireDockerEngine } from '../support/container-engine.js';

const IMAGE = 'postgres:18';
const START_LIMIT_MS = 5 * 60_000; // the image may have to be fetched
/** Far over the six minutes that they take on a quiet machine; what they said by then is told. */
const RUN_LIMIT_MS = 30 * 60_000;
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;
/** These start embedded servers of their own, and would prove nothing about the container. */
const ABOUT_ANOTHER_SERVER = ['test/integration/database/embedded-postgres.spec.ts'];

await requireDockerEngine();

let postgres: StartedPostgreSqlContainer | undefined;

beforeAll(async () => {
  // What the tests ask is not whether the data outlives a power cut, and asking costs half of the time.
  const settings = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off'].flatMap((setting) => [
    '-c',
    setting,
  ]);
  postgres = await new PostgreSqlContainer(IMAGE).withCommand(['postgres', ...settings]).start();
}, START_LIMIT_MS);

afterAll(async () => {
  await postgres?.stop();
}, START_LIMIT_MS);

it(
  'the integration tests pass on a PostgreSQL 18 in a container',
  async () => {
    const url = postgres?.getConnectionUri() ?? '';
    const { exitCode, output } = await runIntegrationTests(url);
    if (exitCode !== 0)
      throw new Error(`expected the integration tests to pass, got exit code ${exitCode}:\n${output}`);
    expect(output).toContain('PostgreSQL 18');
    expect(output).toContain(`given by TEST_DATABASE_URL (${new URL(url).host})`);
    expect(output).toMatch(/^[1-9]\d* passed, 0 failed/m);
  },
  RUN_LIMIT_MS + START_LIMIT_MS,
);

function runIntegrationTests(databaseUrl: string): Promise<{ exitCode: number; output: string }> {
  const args = ['node_modules/vitest/vitest.mjs', 'run', '--project', 'integration'];
  const excluded = ABOUT_ANOTHER_SERVER.map((file) => `--exclude=${file}`);
  // What this vitest tells its workers would make the other one take itself for one of them.
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('VITEST'));
  const env = { ...Object.fromEntries(inherited), TEST_DATABASE_URL: databaseUrl };
  return new Promise((resolve) => {
    const options = { cwd: REPOSITORY, env, timeout: RUN_LIMIT_MS, maxBuffer: OUTPUT_BYTES_MAX };
    const child = execFile(process.execPath, [...args, ...excluded], options, (_error, stdout, stderr) =>
      resolve({ exitCode: child.exitCode ?? 1, output: `${stdout}\n${stderr}` }),
    );
  });
}
