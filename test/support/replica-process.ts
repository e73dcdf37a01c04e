// How does a test run real replicas? As processes of the built server, each with an IPC channel on which
// it tells its address, and with every output kept for the message of a failing test.
import { fork, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

const SERVER = fileURLToPath(new URL('../../dist/apps/server/main.js', import.meta.url));
const ADMIN_KEY = 'sk_admin_for-tests-only-0123456789abcdef';
const OUTPUT_LENGTH_MAX = 20_000;

export interface ReplicaProcessOptions {
  databaseUrl: string;
  name: string;
  sideLog: string;
  env?: Record<string, string>;
}

export interface ReplicaProcess {
  readonly name: string;
  readonly pid: number;
  readonly url: string;
  readonly exited: Promise<number | null>;
  output(): string;
  signal(signal: NodeJS.Signals): void;
  api<Answer>(path: string, body?: object): Promise<Answer>;
}

/** Resolves once the replica listens. It is killed when the test is over. */
export async function startReplica(options: ReplicaProcessOptions): Promise<ReplicaProcess> {
  if (!existsSync(SERVER)) throw new Error('expected the built server in dist/, found none: run npm run build');
  const child = fork(SERVER, [], { silent: true, execArgv: ['--enable-source-maps'], env: environmentOf(options) });
  let output = '';
  const keep = (chunk: Buffer): void => {
    output = (output + chunk.toString()).slice(-OUTPUT_LENGTH_MAX);
  };
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await exited;
  });
  const url = await addressOf(child, () => output);
  const { pid } = child;
  if (pid === undefined) throw new Error(`expected a process, got none:\n${output}`);
  return { name: options.name, pid, url, exited, output: () => output, signal: (signal) => void child.kill(signal), api: (path, body) => callApi(url + path, body) };
}

function environmentOf({ databaseUrl, name, sideLog, env = {} }: ReplicaProcessOptions): NodeJS.ProcessEnv {
  return {
    PATH: process.env['PATH'],
    DATABASE_URL: databaseUrl,
    CARILLON_PORT: '0',
    CARILLON_NAME: name,
    CARILLON_ADMIN_KEY: ADMIN_KEY,
    CARILLON_BUILT_IN_JOBS: 'true',
    CARILLON_SIDE_LOG: sideLog,
    CARILLON_DRAIN_SECONDS: '10',
    ...env,
  };
}

async function addressOf(child: ChildProcess, output: () => string): Promise<string> {
  return new Promise((resolve, reject) => {
    child.once('message', (message) => resolve((message as { url: string }).url)); // the only message that a replica sends
    child.once('exit', (code) => reject(new Error(`expected a replica that listens, got exit code ${code}:\n${output()}`)));
  });
}

async function callApi<Answer>(url: string, body?: object): Promise<Answer> {
  const response = await fetch(url, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`expected ${url} to succeed, got ${response.status}: ${await response.text()}`);
  return (await response.json()) as Answer;
}
