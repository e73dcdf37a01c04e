// How does a test run real replicas? As processes of the built server, which end with the test, and with every
// output kept for the message of a failing one.
import { onTestFinished } from 'vitest';
import { ADMIN_KEY, forkReplica, type ReplicaForkOptions } from './replica-fork.js';

export type TestReplicaOptions = Pick<ReplicaForkOptions, 'databaseUrl' | 'name' | 'sideLog' | 'env'>;

export interface TestReplica {
  readonly name: string;
  readonly pid: number;
  readonly url: string;
  readonly exited: Promise<number | null>;
  output(): string;
  signal(signal: NodeJS.Signals): void;
  api<Answer>(path: string, body?: object): Promise<Answer>;
}

/** Resolves once the replica listens. It is killed when the test is over. */
export async function startTestReplica(options: TestReplicaOptions): Promise<TestReplica> {
  const { child, pid, url, exited, output } = await forkReplica({ ...options, onForked: killWithTest });
  return {
    name: options.name,
    pid,
    url,
    exited,
    output,
    signal: (signal) => void child.kill(signal),
    api: (path, body) => callApi(url + path, body),
  };
}

/** At once, not when it listens: a replica that never does must not outlive the test either. */
const killWithTest: NonNullable<ReplicaForkOptions['onForked']> = (child, exited) => {
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await exited;
  });
};

async function callApi<Answer>(url: string, body?: object): Promise<Answer> {
  const response = await fetch(url, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!response.ok)
    throw new Error(`expected ${url} to succeed, got ${response.status}: ${await response.text()}`);
  return (await response.json()) as Answer;
}
