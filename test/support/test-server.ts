// How does a test get a whole replica? It starts one inside its own process, on a free port, with the
// built-in jobs and a side log, in a database of its own or in one that is given. stop() ends it as a
// deployment would and fails if anything of it is left over: a session, a socket, a timer.
// useTestServer() at the head of a file starts one for all tests of the file and stops it behind them.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Provider } from '@nestjs/common';
import request, { type Response, type Test } from 'supertest';
import type TestAgent from 'supertest/lib/agent.js';
import { afterAll, beforeAll } from 'vitest';
import { startServer, type RunningServer } from '#server/application.js';
import { readConfig } from '#server/settings/config.js';
import { wrongWith } from './described-answers.js';
import { noteFailure, noteStart, untilNothingIsLeft } from './leak-check.js';
import { standInFor } from './stand-in.js';
import { createTestDatabase } from './test-database.js';
import { until } from './until.js';

export const ADMIN_KEY = 'sk_admin_only-for-tests-0123456789abcdef';

export interface TestServerOptions {
  /** The caller's database, which the caller also drops. Default: one of its own, dropped when the server stops. */
  databaseUrl?: string;
  /** Settings besides those that every test server has. */
  env?: Readonly<Record<string, string>>;
  /** Providers with @JobHandler methods. */
  handlers?: Provider[];
  /** False for a replica that has no API to ask whether the slots are shared out. */
  api?: boolean;
}

export interface TestServer {
  readonly url: string;
  readonly databaseUrl: string;
  readonly running: RunningServer;
  /** Without a key. */
  readonly anonymous: TestAgent;
  readonly admin: TestAgent;
  /** Speaks with this key. */
  as(key: string): TestAgent;
  /** The lines that the built-in job `record` has written. */
  sideLog(): Promise<unknown[]>;
  /** Drains and closes. Rejects if sessions, sockets or timers are left over. */
  stop(): Promise<void>;
}

/** A replica for the whole file (or describe); `beside` another one, in the same cluster. */
export function useTestServer({
  beside,
  ...wish
}: TestServerOptions & { beside?: Pick<TestServer, 'databaseUrl'> } = {}): TestServer {
  const { handle, become } = standInFor<TestServer>('the server');
  let started: TestServer | null = null;
  beforeAll(async () => {
    const at = beside === undefined ? {} : { databaseUrl: beside.databaseUrl };
    started = await startTestServer({ ...at, ...wish });
    become(started);
  });
  afterAll(() => started?.stop());
  return handle;
}

/** Resolves when the replica leads and owns every slot; or, beside others, when it is ready. */
export async function startTestServer(wish: TestServerOptions = {}): Promise<TestServer> {
  noteStart();
  const own = wish.databaseUrl === undefined ? await createTestDatabase() : null;
  const databaseUrl = wish.databaseUrl ?? own?.url ?? '';
  const folder = await mkdtemp(join(tmpdir(), 'carillon-rest-'));
  const sideLog = join(folder, 'side.log');
  const config = configOf({ databaseUrl, sideLog, env: wish.env ?? {} });
  const running = await startServer(config, wish.handlers).catch((error: unknown) => {
    noteFailure();
    throw error;
  });
  const { url } = running;
  const as = (key: string): TestAgent => agentOf(url).auth(key, { type: 'bearer' });
  await until(
    `the replica at ${url} is ready`,
    async () => (await request(url).get('/healthz/ready')).status === 200,
  );
  if (wish.api !== false) await untilOwned(as(ADMIN_KEY));
  return {
    url,
    databaseUrl,
    running,
    anonymous: agentOf(url),
    admin: as(ADMIN_KEY),
    as,
    sideLog: () => readLines(sideLog),
    stop: async () => {
      await running.stop();
      await rm(folder, { recursive: true, force: true });
      await untilNothingIsLeft({ sessionsIn: own === null ? null : databaseUrl });
      await own?.drop();
    },
  };
}

/** Each of its answers is compared with the API's description. */
function agentOf(url: string): TestAgent {
  const agent = request.agent(url);
  agent.use((call: Test) => void call.expect(requireDescribed));
  return agent;
}

function requireDescribed({ request: { method, url }, status, type, headers, text, body }: Response): void {
  const path = new URL(url).pathname;
  const wrong = wrongWith({ method, path, status, type, headers, text, body });
  if (wrong !== null)
    throw new Error(`not as docs/openapi.json says: ${method} ${path} answered ${status}, ${wrong}`);
}

function configOf({
  databaseUrl,
  sideLog,
  env,
}: {
  databaseUrl: string;
  sideLog: string;
  env: Readonly<Record<string, string>>;
}) {
  return readConfig({
    DATABASE_URL: databaseUrl,
    CARILLON_PORT: '0',
    CARILLON_NAME: 'under-test',
    CARILLON_ADMIN_KEY: ADMIN_KEY,
    CARILLON_BUILT_IN_JOBS: 'true',
    CARILLON_SIDE_LOG: sideLog,
    CARILLON_LOG_LEVEL: 'silent',
    CARILLON_MIGRATE: 'false', // the template is migrated
    CARILLON_DRAIN_SECONDS: '0', // what still runs at the end of a test is given back
    ...env,
  });
}

async function untilOwned(admin: TestAgent): Promise<void> {
  await until('every slot has an owner', async () => {
    const { body } = await admin.get('/api/v1/cluster/ring');
    return (body as { unowned: number }).unowned === 0; // the cluster's own tests check this answer's form
  });
}

async function readLines(file: string): Promise<unknown[]> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as unknown]));
}
