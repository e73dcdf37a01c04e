// How is the process of a peer's worker started, told to work, and listened to?
import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Order, Word } from '../peers/messages.js';
import type { Seat } from '../peers/peer.js';

const PROGRAM = fileURLToPath(new URL('../peers/process.ts', import.meta.url));
const HOOKS = new URL('../../support/typescript.mjs', import.meta.url).href;
const ANSWER_LIMIT_MS = 30_000;

export type Started = Extract<Word, { said: 'started' }>;

export class PeerProcess {
  readonly #child: ChildProcess;
  readonly #killNow = (): void => void this.#child.kill('SIGKILL');

  private constructor(child: ChildProcess) {
    this.#child = child;
    process.once('exit', this.#killNow);
  }

  static async start(
    peer: string,
    { url, seat, onStarted }: { url: string; seat: Seat; onStarted: (started: Started) => void },
  ): Promise<PeerProcess> {
    const child = fork(PROGRAM, [peer, url, String(seat.seat), String(seat.seats)], {
      execArgv: ['--conditions=source', '--import', HOOKS],
      env: { PATH: process.env['PATH'], NODE_ENV: 'production' },
    });
    child.on('message', (word: Word) => {
      if (word.said === 'started') onStarted(word);
    });
    const self = new PeerProcess(child);
    await self.#hear('ready');
    return self;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  async tell(order: Order): Promise<void> {
    const done = this.#hear(order);
    this.#child.send(order);
    await done;
  }

  async end(): Promise<void> {
    process.off('exit', this.#killNow);
    const gone = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGKILL');
    await gone;
  }

  async #hear(said: Word['said']): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const listen = (word: Word): void => {
      if (word.said === said) resolve();
    };
    const exited = (code: number | null): void =>
      reject(new Error(`expected a worker that says ${said}, got exit code ${code}`));
    const timer = setTimeout(
      () => reject(new Error(`waited ${ANSWER_LIMIT_MS} ms in vain for a worker to say ${said}`)),
      ANSWER_LIMIT_MS,
    );
    this.#child.on('message', listen).once('exit', exited);
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      this.#child.off('message', listen).off('exit', exited);
    }
  }
}
