// The addresses and keys of a running cluster, for scripts, in one JSON file. It is replaced as a whole at each
// change, so that a reader always gets one consistent state. It holds keys, so only its owner may read it.
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { z } from 'zod';

const content = z.object({
  apiUrls: z.array(z.string()),
  docsUrl: z.string(),
  adminKey: z.string(),
  databaseUrl: z.string(),
  /** The process to which a SIGTERM stops everything. */
  pid: z.int(),
  /** `id` is the replica's number in GET /api/v1/cluster/replicas; each process gets a new one. */
  replicas: z.array(z.object({ id: z.int(), name: z.string(), pid: z.int(), url: z.string() })),
});
export type UpFileContent = z.infer<typeof content>;

export class UpFile {
  #written = '';
  #isRemoved = false;
  #last: Promise<void> = Promise.resolve();

  constructor(private readonly path: string) {}

  /** Writes only changes, and nothing once the file has been removed. */
  write(next: UpFileContent): Promise<void> {
    return this.#inTurn(async () => {
      const text = `${JSON.stringify(next, null, 2)}\n`;
      if (this.#isRemoved || text === this.#written) return;
      const prepared = `${this.path}.${process.pid}`;
      await writeFile(prepared, text, { mode: 0o600 });
      await rename(prepared, this.path);
      this.#written = text;
    });
  }

  remove(): Promise<void> {
    return this.#inTurn(async () => {
      this.#isRemoved = true;
      await rm(this.path, { force: true });
    });
  }

  /** One after the other: two at once would rename each other's prepared file away. */
  #inTurn(act: () => Promise<void>): Promise<void> {
    this.#last = this.#last.catch(() => undefined).then(act);
    return this.#last;
  }
}

/** Undefined when there is no file, or an unreadable one. */
export async function readUpFile(path: string): Promise<UpFileContent | undefined> {
  const text = await readFile(path, 'utf8').catch(() => '{}');
  try {
    return content.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined; // not JSON: a file of another program
  }
}
