// Where does the server write its log? To one file beside the data, never to the console, whose lines belong to the
// replicas. The file starts over when it is large, since nothing rotates it.
import { open, readFile, stat, truncate, type FileHandle } from 'node:fs/promises';

const LOG_BYTES_MAX = 10 * 1024 * 1024;
const LAST_LINES = 15;

export interface ServerLog {
  readonly file: FileHandle;
  size(): Promise<number>;
  /** The last lines that were written after the first `from` bytes. */
  lastLines(from: number): Promise<string>;
  close(): Promise<void>;
}

export async function openServerLog(path: string): Promise<ServerLog> {
  const { size } = await stat(path).catch(() => ({ size: 0 }));
  if (size > LOG_BYTES_MAX) await truncate(path);
  const file = await open(path, 'a', 0o600);
  return {
    file,
    size: async () => (await file.stat()).size,
    lastLines: async (from) => {
      const written = (await readFile(path)).subarray(from).toString('utf8');
      return written.trimEnd().split('\n').slice(-LAST_LINES).join('\n');
    },
    close: () => file.close(),
  };
}
