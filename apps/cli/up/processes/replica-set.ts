// Keeps the wanted number of replicas running. One that dies is started again under its name, after a pause in which
// the others are seen to take over. One that can't stay up is given up, with the last lines of its log, and the
// others go on.
import { setTimeout as rest } from 'node:timers/promises';
import { Topic } from '#kernel/topic.js';
import type { ReplicaProcess } from './replica-process.js';
import type { Part } from './shutdown.js';

export const RESTART_MS = 3_000;
const SHORT_LIFE_MS = 5_000;
const SHORT_LIVES_MAX = 3;

export interface LivingReplica {
  readonly name: string;
  readonly pid: number;
  readonly url: string;
}

export interface Loss {
  readonly name: string;
  readonly pid: number;
  readonly how: string;
  /** Killed by `kill` here; otherwise it ended by itself or by another process. */
  readonly wasKilled: boolean;
  readonly at: Date;
  /** On the monotonic clock. */
  readonly atMs: number;
}

type Pause = (ms: number, signal: AbortSignal) => Promise<void>;

interface Member {
  readonly name: string;
  port: number;
  current: ReplicaProcess | undefined;
  living: LivingReplica | undefined;
  isGivenUp: boolean;
  killed: { readonly pid: number; readonly at: Date; readonly atMs: number } | undefined;
  restarted: Restart | undefined;
}

interface Restart {
  readonly pid: number;
  /** With null if there is none: it ended before it listened, or everything stops. */
  readonly done: (successor: LivingReplica | null) => void;
}

export class ReplicaSet implements Part {
  readonly farewell = 'Stopping: the replicas finish what they run; Ctrl-C again kills them.';
  readonly lost = new Topic<Loss>();
  readonly returned = new Topic<LivingReplica>();
  readonly gaveUp = new Topic<{ name: string; lastLogLines: string }>();
  readonly #members: Member[] = [];
  readonly #stopping = new AbortController();

  /** `start` makes the process of a name; `pause` waits until a restart. */
  constructor(
    private readonly start: (wish: { name: string; port: number }) => ReplicaProcess,
    private readonly pause: Pause = (ms, signal) => rest(ms, undefined, { signal }),
  ) {}

  get living(): LivingReplica[] {
    return this.#members.flatMap(({ living }) => (living === undefined ? [] : [living]));
  }

  /** The names of those that live, and of those that were given up; the others are about to come back. */
  get restartable(): string[] {
    return this.#members
      .filter(({ living, isGivenUp }) => living !== undefined || isGivenUp)
      .map(({ name }) => name);
  }

  /** False when every replica has been given up. */
  get hasHope(): boolean {
    return this.#members.some(({ isGivenUp }) => !isGivenUp);
  }

  /** Resolves when all listen; rejects with the name and log of the first replica that ends before it listens. */
  async startAll(wishes: readonly { name: string; port: number }[]): Promise<void> {
    this.#members.push(
      ...wishes.map((wish) => ({
        ...wish,
        current: undefined,
        living: undefined,
        killed: undefined,
        restarted: undefined,
        isGivenUp: false,
      })),
    );
    await Promise.all(
      this.#members.map(async (member) => {
        const process = this.#launch(member);
        await this.#welcome(member, process).catch((error: Error) => {
          throw new Error(
            `replica ${member.name} ${error.message}; its last log lines:\n${process.lastLogLines()}`,
          );
        });
        void this.#watch(member, process);
      }),
    );
  }

  /** Sends SIGKILL, as a power cut would. False when there is no such replica just now. */
  kill(name: string): boolean {
    const member = this.#livingMember(name);
    if (member?.current === undefined) return false;
    member.killed = { pid: member.current.pid, at: new Date(), atMs: performance.now() };
    return member.current.send('SIGKILL');
  }

  /** Lets it drain, and starts it again at once. Resolves with its successor once that listens, with null if none does. */
  async restart(name: string): Promise<LivingReplica | null> {
    const member = this.#members.find((candidate) => candidate.name === name);
    if (member?.isGivenUp === true) return this.#revive(member);
    if (member?.current === undefined || member.living === undefined) return null;
    const { pid } = member.current;
    const { promise, resolve } = Promise.withResolvers<LivingReplica | null>();
    member.restarted = { pid, done: resolve };
    member.current.send('SIGTERM');
    return promise;
  }

  #revive(member: Member): Promise<LivingReplica | null> {
    member.isGivenUp = false;
    const process = this.#launch(member);
    const back = this.#welcome(member, process).catch(() => null);
    void this.#watch(member, process);
    return back;
  }

  #livingMember(name: string): Member | undefined {
    return this.#members.find((candidate) => candidate.name === name && candidate.living !== undefined);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#sendAll('SIGTERM');
  }

  hurry(): void {
    void this.#sendAll('SIGKILL');
  }

  killNow(): void {
    void this.#sendAll('SIGKILL');
  }

  async #sendAll(signal: NodeJS.Signals): Promise<void> {
    const processes = this.#members.flatMap(({ current }) => (current === undefined ? [] : [current]));
    for (const process of processes) process.send(signal);
    await Promise.all(processes.map(({ exited }) => exited));
  }

  #launch(member: Member): ReplicaProcess {
    const process = this.start({ name: member.name, port: member.port });
    member.current = process;
    return process;
  }

  async #welcome(member: Member, process: ReplicaProcess): Promise<LivingReplica> {
    const { url } = await process.listening;
    member.living = { name: member.name, pid: process.pid, url };
    member.port = Number(new URL(url).port); // callers know this port, so its successor should have it
    return member.living;
  }

  async #watch(member: Member, first: ReplicaProcess): Promise<void> {
    let process = first;
    for (let shortLives = 0; ;) {
      const startedAtMs = performance.now();
      const how = await process.exited;
      const wasUp = member.living !== undefined;
      member.living = undefined;
      const asked = member.restarted?.pid === process.pid ? member.restarted : undefined;
      member.restarted = undefined;
      // One that is killed while it drains is a loss like any other.
      const restart = member.killed?.pid === process.pid ? undefined : asked;
      if (restart === undefined) asked?.done(null);
      if (this.#stopping.signal.aborted) return restart?.done(null);
      if (restart === undefined) {
        const loss = lossOf(member, process, how);
        shortLives = !loss.wasKilled && loss.atMs - startedAtMs < SHORT_LIFE_MS ? shortLives + 1 : 0;
        if (wasUp) this.lost.publish(loss);
        if (shortLives === SHORT_LIVES_MAX) return this.#giveUp(member, process);
        await this.pause(RESTART_MS, this.#stopping.signal).catch(() => undefined); // woken to stop
        if (this.#stopping.signal.aborted) return;
      }
      process = this.#launch(member);
      this.#welcome(member, process).then(
        (living) => (restart === undefined ? this.returned.publish(living) : restart.done(living)),
        () => restart?.done(null),
      ); // the loop sees its end
    }
  }

  #giveUp(member: Member, process: ReplicaProcess): void {
    member.isGivenUp = true;
    this.gaveUp.publish({ name: member.name, lastLogLines: process.lastLogLines() });
  }
}

function lossOf({ name, killed }: Member, { pid }: ReplicaProcess, how: string): Loss {
  const wasKilled = killed?.pid === pid;
  const { at, atMs } =
    wasKilled && killed !== undefined ? killed : { at: new Date(), atMs: performance.now() };
  return { name, pid, how, wasKilled, at, atMs };
}
