// Which accounts does the harness keep beside the database? The side log and the spells of the handlers, the calls at its
// endpoint, what its consumer of the user's queue has worked on, and when the machine was too busy for anything.
import { rm } from 'node:fs/promises';
import type { Evidence } from './evidence.js';
import { QueueConsumer } from './limited/queue-consumer.js';
import { SideLog } from './side-log.js';
import { Sink } from './sink.js';
import { SpellBook } from './spells.js';
import { StallWatch } from './stalls.js';

export interface AccountOptions {
  databaseUrl: string;
  /** The files that the replicas write. */
  sideLog: string;
  spellFile: string;
  /** Where the API can be reached. */
  origins: () => readonly string[];
}

export class Accounts {
  readonly spells: SpellBook;
  readonly sink: Sink;
  readonly #sideLog: SideLog;
  readonly #consumer: QueueConsumer;
  readonly #stallWatch = new StallWatch();

  private constructor(parts: { spells: SpellBook; sink: Sink; sideLog: SideLog; consumer: QueueConsumer }) {
    this.spells = parts.spells;
    this.sink = parts.sink;
    this.#sideLog = parts.sideLog;
    this.#consumer = parts.consumer;
  }

  /** Installs the user's pg-boss in the database. What a former play has left in the files is no account of this one. */
  static async open({ databaseUrl, sideLog, spellFile, origins }: AccountOptions): Promise<Accounts> {
    for (const file of [sideLog, spellFile]) await rm(file, { force: true });
    const consumer = await QueueConsumer.start(databaseUrl);
    const spells = new SpellBook(spellFile);
    const sink = await Sink.open({ spells, origins });
    return new Accounts({ spells, sink, consumer, sideLog: await SideLog.follow(sideLog) });
  }

  /** The consumer begins: from then on the database has what it takes to audit it. */
  async workQueue(): Promise<void> {
    await this.#consumer.work();
  }

  /** The side log is closed by it. */
  async look(): Promise<Pick<Evidence, 'sideLog' | 'spells' | 'calls' | 'queueLines' | 'stalls'>> {
    await this.#sideLog.close();
    return {
      sideLog: this.#sideLog.lines,
      spells: this.spells.all(),
      calls: this.sink.calls,
      queueLines: this.#consumer.lines,
      stalls: this.#stallWatch.stalls,
    };
  }

  async close(): Promise<void> {
    await this.#consumer.stop();
    this.sink.close();
    this.#stallWatch.close();
    await this.#sideLog.close();
  }
}
