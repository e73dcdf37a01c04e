// How is a peer measured? Its workers count what they start; once all has started, its tables are asked until nothing
// is left, so that the last completion counts, too.
import { until } from '../../support/until.js';
import { payloadOf, type Peer, type PeerQueue } from '../peers/peer.js';
import type { Contestant } from './contestant.js';
import { PeerProcess, type Started } from './peer-process.js';

const PER_CALL = 2_000;
const DRAIN_LIMIT_MS = 300_000;

export class PeerContestant implements Contestant {
  readonly name: string;
  readonly queue: PeerQueue;
  readonly databaseUrl: string;
  #workers: PeerProcess[] = [];
  #count = 0;
  #firstAtMs = Number.POSITIVE_INFINITY;
  #waitsMs: number[] = [];

  private constructor({ name }: Peer, queue: PeerQueue, databaseUrl: string) {
    this.name = name;
    this.queue = queue;
    this.databaseUrl = databaseUrl;
  }

  static async open(peer: Peer, databaseUrl: string): Promise<PeerContestant> {
    await peer.migrate(databaseUrl);
    return new PeerContestant(peer, await peer.openQueue(databaseUrl), databaseUrl);
  }

  readonly pids = (): number[] => this.#workers.map(({ pid }) => pid);

  async staff(processes: number): Promise<void> {
    await this.dismiss();
    for (let seat = 0; seat < processes; seat += 1)
      this.#workers.push(
        await PeerProcess.start(this.name, {
          url: this.databaseUrl,
          seat: { seat, seats: processes },
          onStarted: (started) => this.#note(started),
        }),
      );
  }

  async fill(runs: number): Promise<void> {
    for (let from = 0; from < runs; from += PER_CALL) {
      const count = Math.min(PER_CALL, runs - from);
      await this.queue.addMany(Array.from({ length: count }, (_, offset) => payloadOf(from + offset)));
    }
  }

  async drain(runs: number): Promise<number> {
    this.#forget();
    await this.begin();
    await until(`${this.name} has started ${runs}`, () => this.#count >= runs, DRAIN_LIMIT_MS);
    await until(`${this.name} has nothing left`, () => this.queue.isEmpty(), DRAIN_LIMIT_MS);
    const tookMs = performance.timeOrigin + performance.now() - this.#firstAtMs;
    await this.halt();
    return tookMs;
  }

  async begin(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.tell('begin')));
  }

  async halt(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.tell('halt')));
  }

  /** How long those waited that told when they were asked for, once so many have; forgets them. */
  async waitsOf(count: number): Promise<number[]> {
    await until(`${this.name} has started ${count}`, () => this.#waitsMs.length >= count);
    return this.#waitsMs.splice(0);
  }

  async clear(): Promise<void> {
    await this.queue.clear();
  }

  async dismiss(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.end()));
    this.#workers = [];
  }

  async close(): Promise<void> {
    await this.dismiss();
    await this.queue.close();
  }

  #note({ count, firstAtMs, waitsMs }: Started): void {
    this.#count += count;
    this.#firstAtMs = Math.min(this.#firstAtMs, firstAtMs);
    this.#waitsMs.push(...waitsMs);
  }

  #forget(): void {
    this.#count = 0;
    this.#firstAtMs = Number.POSITIVE_INFINITY;
    this.#waitsMs = [];
  }
}
