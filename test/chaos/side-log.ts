// What have the handlers really done? The lines that the job `record` appends, each with the moment at which the
// harness first saw it. The file's own order is the order in which the handlers ran, in any replica.
import { open, type FileHandle } from 'node:fs/promises';
import type { SideLogLine } from '../support/account.js';

export interface SeenLine extends SideLogLine {
  readonly dueAt: string | null;
  /** By the harness's clock; at most some LOOK_MS after the handler ran. */
  readonly seenAtMs: number;
}

const LOOK_MS = 20;
const CHUNK_BYTES = 65_536;

export class SideLog {
  readonly lines: SeenLine[] = [];
  readonly #file: FileHandle;
  readonly #timer: NodeJS.Timeout;
  #closed = false;
  #offset = 0;
  #rest = '';
  #looking: Promise<void> = Promise.resolve();

  private constructor(file: FileHandle) {
    this.#file = file;
    this.#timer = setInterval(() => {
      this.#looking = this.#looking.then(() => this.#look());
    }, LOOK_MS);
  }

  /** Makes the file if there is none. */
  static async follow(path: string): Promise<SideLog> {
    return new SideLog(await open(path, 'a+'));
  }

  /** Reads to the end, and follows no more; any number of calls. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#timer);
    await this.#looking;
    await this.#look();
    await this.#file.close();
  }

  async #look(): Promise<void> {
    for (;;) {
      const { bytesRead, buffer } = await this.#file.read(
        Buffer.alloc(CHUNK_BYTES),
        0,
        CHUNK_BYTES,
        this.#offset,
      );
      if (bytesRead === 0) return;
      this.#offset += bytesRead;
      const seenAtMs = Date.now();
      const parts = (this.#rest + buffer.toString('latin1', 0, bytesRead)).split('\n'); // ids and numbers only
      this.#rest = parts.pop() ?? '';
      this.lines.push(
        ...parts.map((line) => ({
          ...(JSON.parse(line) as SideLogLine & { dueAt: string | null }),
          seenAtMs,
        })),
      );
    }
  }
}
