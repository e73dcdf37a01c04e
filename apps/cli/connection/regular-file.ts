// Reads a file that lies in a folder of unknown origin. What is no regular file is refused: one that opens a pipe waits for
// a writer for ever, and so would every command.
import { readFile, stat } from 'node:fs/promises';

/** Rejects as readFile does, and for anything but a file. */
export async function readRegular(path: string): Promise<string> {
  if (!(await stat(path)).isFile()) throw new Error('expected a file, got something else');
  return readFile(path, 'utf8');
}
