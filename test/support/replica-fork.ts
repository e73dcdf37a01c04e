// What is a real replica to a test? A process of the built server with an IPC channel, on which it tells its address,
// and with its last output kept for the message of a failure. Apart from replica-process.ts because commands use it,
// too, where vitest's test API can't be loaded.
import { fork, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { REPLICA_FLAGS } from '../../apps/server/settings/node-flags.js';

const SERVER = fileURLToPath(new URL('../../dist/apps/server/main.js', import.meta.url));
export const ADMIN_KEY = 'sk_admin_for-tests-only-0123456789abcdef';
const OUTPUT_LENGTH_MAX = 20_000;

export interface ReplicaForkOptions {
  databaseUrl: string;
  name: string;
  sideLog: string;
  env?: Record<string, string>;
  /** The server to run; ours in dist/ unless said otherwise. */
  server?: string;
  execArgv?: readonly string[];
  /** Called before the replica listens, for a caller that must end it even if it never does. */
  onForked?: (child: ChildProcess, exited: Promise<number | null>) => void;
}

export interface ReplicaFork {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly url: string;
  readonly exited: Promise<number | null>;
  readonly output: () => string;
}

/** Resolves once the replica listens. The caller must end it. */
export async function forkReplica(options: ReplicaForkOptions): Promise<ReplicaFork> {
  const { server = SERVER, execArgv = [] } = options;
  if (!existsSync(server))
    throw new Error(`expected the built server at ${server}, found none: run npm run build`);
  const child = fork(server, [], {
    silent: true,
    execArgv: [...REPLICA_FLAGS, ...execArgv],
    env: environmentOf(options),
  });
  let output = '';
  const keep = (chunk: Buffer): void => {
    output = (output + chunk.toString()).slice(-OUTPUT_LENGTH_MAX);
  };
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  options.onForked?.(child, exited);
  const url = await addressOf(child, () => output);
  const { pid } = child;
  if (pid === undefined) throw new Error(`expected a process, got none:\n${output}`);
  return { child, pid, url, exited, output: () => output };
}

function environmentOf({ databaseUrl, name, sideLog, env = {} }: ReplicaForkOptions): NodeJS.ProcessEnv {
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
    child.once('exit', (code) =>
      reject(new Error(`expected a replica that listens, got exit code ${code}:\n${output()}`)),
    );
  });
}
