// One replica as `up` starts it: a process in a process group of its own, so that the terminal's Ctrl-C reaches only
// us and we decide the order of stopping. Over a channel it reports where it listens. When we die the channel breaks,
// and the replica drains and ends by itself.
import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { REPLICA_FLAGS } from '#server/settings/node-flags.js';
import { openReplicaLog } from './replica-log.js';

export const REPLICA_PROGRAM = fileURLToPath(new URL('../../../server/main.js', import.meta.url));

export interface ReplicaOrder {
  readonly name: string;
  /** The wanted port; the replica takes another one when this is taken. */
  readonly port: number;
  readonly logs: string;
  readonly environment: NodeJS.ProcessEnv;
}

export interface ReplicaProcess {
  readonly name: string;
  readonly pid: number;
  /** Rejects when the process ends before it listens. */
  readonly listening: Promise<{ url: string }>;
  /** Resolves when the process is gone, with its end: `exit code 1` or `SIGKILL`. */
  readonly exited: Promise<string>;
  /** False when the process is gone. */
  send(signal: NodeJS.Signals): boolean;
  lastLogLines(): string;
}

const listeningMessage = z.object({ kind: z.literal('listening'), url: z.string() });

export function startReplica({ name, port, logs, environment }: ReplicaOrder): ReplicaProcess {
  const log = openReplicaLog(join(logs, `${name}.log`));
  const child = fork(REPLICA_PROGRAM, [], {
    detached: true,
    execArgv: [...REPLICA_FLAGS],
    stdio: ['ignore', log.descriptor, log.descriptor, 'ipc'],
    env: { ...environment, CARILLON_NAME: name, CARILLON_PORT: String(port) },
  });
  log.close();
  const exited = exitOf(child);
  const listening = Promise.race([
    listeningOf(child),
    exited.then((how) => refuse(`ended at its start (${how})`)),
  ]);
  listening.catch(() => undefined); // a caller that awaits it gets the error; none has to
  return {
    name,
    pid: child.pid ?? 0, // 0 only when it could not be started at all, and then it has exited
    listening,
    exited,
    send: (signal) => child.kill(signal),
    lastLogLines: () => log.lastLines(),
  };
}

function listeningOf(child: ChildProcess): Promise<{ url: string }> {
  return new Promise((resolve) => {
    child.on('message', (message) => {
      const { data } = listeningMessage.safeParse(message);
      if (data !== undefined) resolve({ url: data.url });
    });
  });
}

function exitOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`));
    child.once('error', (error) => child.pid === undefined && resolve(error.message));
  });
}

function refuse(reason: string): never {
  throw new Error(reason);
}
