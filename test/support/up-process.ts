// How does a test run `npm start`? As people do: the same bootstrap, in a process group of its own that a
// Ctrl-C can be sent to, with data of its own and any free ports. Keys are pressed through its stdin, and
// what a test wants to know is in up.json, as for any other script.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { until } from './until.js';

export interface UpFile {
  readonly apiUrls: string[];
  readonly adminKey: string;
  readonly databaseUrl: string;
  readonly pid: number;
  readonly replicas: {
    readonly id: number;
    readonly name: string;
    readonly pid: number;
    readonly url: string;
  }[];
}

export interface UpProcess {
  /** Resolves with the exit code, or the signal. */
  readonly exited: Promise<number | string>;
  output(): string;
  press(key: string): void;
  /** To the whole group, as a terminal does it. */
  pressCtrlC(): void;
  /** Ends it without a word; its replicas and its PostgreSQL notice, or are found by the next one. */
  kill(): void;
  /** Undefined before it is up and after it has ended. */
  upFile(): Promise<UpFile | undefined>;
  get<Answer>(path: string): Promise<Answer>;
}

const ROOT = resolve(import.meta.dirname, '../..');
/** The first start of a changed tree builds it. */
const START_MAX_MS = 90_000;

export function runUp(data: string, ...options: string[]): UpProcess {
  const args = ['apps/cli/bootstrap.mjs', 'up', '--data', data, '--port', '0', ...options];
  const child = spawn(process.execPath, args, { cwd: ROOT, detached: true, stdio: 'pipe' });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  const exited = once(child, 'close').then(
    ([code, signal]: (number | string)[]) => code ?? signal ?? 'unknown',
  );
  const signal = (name: NodeJS.Signals): void => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, name);
  };
  const upFile = () => readUpFile(join(data, 'up.json'));
  return {
    exited,
    output: () => output,
    press: (key) => void child.stdin.write(key),
    pressCtrlC: () => signal('SIGINT'),
    kill: () => signal('SIGKILL'),
    upFile,
    get: async <Answer>(path: string) => ask<Answer>(await upFile(), path),
  };
}

/** Resolves when it is up with this many replicas. */
export async function untilUp(up: UpProcess, replicas: number): Promise<UpFile> {
  const ended = up.exited.then((how) => {
    throw new Error(`expected npm start to stay, got exit ${how}:\n${up.output()}`);
  });
  const isUp = until(
    `${replicas} replicas are up`,
    async () => {
      const content = await up.upFile();
      return content?.replicas.length === replicas && content;
    },
    START_MAX_MS,
  );
  return Promise.race([isUp, ended]);
}

async function readUpFile(path: string): Promise<UpFile | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as UpFile); // written by the program under test
}

async function ask<Answer>(content: UpFile | undefined, path: string): Promise<Answer> {
  if (content === undefined) throw new Error('expected up.json, found none');
  const response = await fetch(`${content.apiUrls[0]}/api/v1/${path}`, {
    headers: { authorization: `Bearer ${content.adminKey}` },
  });
  if (!response.ok) throw new Error(`GET ${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as Answer;
}
