// A planner alone with a database, and what each of its passes costs: its process, and the server.
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Meter } from '../stand/meter.js';

export interface PassCost {
  /** Processor time of the planner's process. */
  readonly nodeMs: number;
  /** As the server has timed the statements. */
  readonly postgresMs: number;
  readonly blocks: number;
  readonly walBytes: number;
}

const PROCESS = fileURLToPath(new URL('./pass-process.ts', import.meta.url));
const STATEMENTS = '%carillon.%';

export class PlannedAlone {
  readonly #process: ChildProcess;
  readonly #meter: Meter;

  private constructor(child: ChildProcess, meter: Meter) {
    this.#process = child;
    this.#meter = meter;
  }

  static async open(url: string): Promise<PlannedAlone> {
    // Without the flags of this process, its imports are those of the built product.
    return new PlannedAlone(fork(PROCESS, [url], { execArgv: [] }), await Meter.open(url));
  }

  async pass(): Promise<PassCost> {
    const before = await this.#meter.statement(STATEMENTS);
    const stop = await this.#meter.start(() => []);
    const answer = once(this.#process, 'message');
    this.#process.send('pass');
    const [{ nodeMs }] = (await answer) as [{ nodeMs: number }]; // as its process sends it
    const { blocks, walBytes } = await stop();
    const after = await this.#meter.statement(STATEMENTS);
    return { nodeMs, postgresMs: after.tookMs - before.tookMs, blocks, walBytes };
  }

  async close(): Promise<void> {
    const ended = once(this.#process, 'exit');
    this.#process.disconnect();
    await ended;
    await this.#meter.close();
  }
}
