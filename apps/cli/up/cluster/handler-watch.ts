// Takes the handlers of a folder anew when a file of it changes, also in a folder inside it: the replicas are restarted
// one after the other, so the others go on meanwhile. Handlers that do not load are refused before that, in a process of
// their own. The files are looked at and not listened to: the kernel tells nothing of a folder that a container mounts.
import { execFile } from 'node:child_process';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as rest } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { ReplicaSet } from '../processes/replica-set.js';
import { list } from '../terminal/phrases.js';

const CHECK = fileURLToPath(new URL('../processes/handlers-check.js', import.meta.url));
const LOOK_MS = 300;
const CHECK_MAX_MS = 30_000;

export interface HandlerWatchParts {
  readonly folder: string;
  readonly replicas: Pick<ReplicaSet, 'restartable' | 'restart'>;
  readonly say: (line: string) => void;
  /** Resolves with the reason why the handlers can't be taken, or with null. */
  readonly check?: (folder: string, signal: AbortSignal) => Promise<string | null>;
  /** Aborted when everything ends. */
  readonly signal: AbortSignal;
}

export class HandlerWatch {
  #seen: string;
  #taken: string;

  /** `state` is that of the files which the replicas have loaded. */
  constructor(
    private readonly parts: HandlerWatchParts,
    state: string,
  ) {
    this.#seen = this.#taken = state;
  }

  /** Acts once two looks have seen the same: a program that writes several files is not done before. */
  async runOnce(): Promise<void> {
    const state = await stateOf(this.parts.folder);
    const isSettled = state === this.#seen;
    this.#seen = state;
    if (!isSettled || state === this.#taken) return;
    this.#taken = state;
    await this.#take();
  }

  async run(): Promise<void> {
    const { signal } = this.parts;
    while (!signal.aborted) {
      await rest(LOOK_MS, undefined, { signal }).catch(() => undefined); // woken to stop
      if (!signal.aborted) await this.runOnce();
    }
  }

  async #take(): Promise<void> {
    const { folder, replicas, say, check = reasonAgainst, signal } = this.parts;
    const reason = await check(folder, signal);
    if (signal.aborted) return;
    if (reason !== null) return say(`the handlers have changed, and are not taken: ${reason}`);
    const names = replicas.restartable;
    for (const name of names) {
      const successor = await replicas.restart(name);
      if (signal.aborted) return;
      // The others go on with the handlers that they have.
      if (successor === null)
        return say(`the handlers have changed, but ${name} did not come back with them; no other takes them`);
    }
    // Those that come back just now load what is there then.
    if (names.length > 0) say(`the handlers have changed: ${list(names)} took them`);
  }
}

/** All files with their times and sizes, but for packages and what is hidden. Empty if the folder can't be read. */
export async function stateOf(folder: string): Promise<string> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const states = entries
    .filter(({ name }) => name !== 'node_modules' && !name.startsWith('.'))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map(async (entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return stateOf(path);
      const { mtimeMs, size } = await stat(path).catch(() => ({ mtimeMs: 0, size: 0 })); // gone by now
      return `${path} ${mtimeMs} ${size}`;
    });
  return (await Promise.all(states)).join('\n');
}

async function reasonAgainst(folder: string, signal: AbortSignal): Promise<string | null> {
  const checked = promisify(execFile)(process.execPath, [CHECK, folder], {
    timeout: CHECK_MAX_MS,
    // A handler may listen for the others.
    killSignal: 'SIGKILL',
    signal,
  });
  return checked.then(
    () => null,
    ({ stderr = '' }: { stderr?: string }) => stderr.trim() || 'they do not end loading',
  );
}
