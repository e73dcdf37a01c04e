// A replica writes to a log file of its own, never to the terminal, where three of them would drown the story. The
// file starts over when it is large, since nothing rotates it.
import { closeSync, fstatSync, ftruncateSync, openSync, readFileSync } from 'node:fs';

const BYTES_MAX = 10 * 1024 * 1024;
const LINES_SHOWN = 12;

export interface ReplicaLog {
  /** For the child to write to; closed here once it has its own copy. */
  readonly descriptor: number;
  close(): void;
  /** The last lines that were written since it was opened. */
  lastLines(): string;
}

/** Synchronous, so that nothing can come between opening the file and the start of the process. */
export function openReplicaLog(path: string): ReplicaLog {
  const descriptor = openSync(path, 'a', 0o600);
  if (fstatSync(descriptor).size > BYTES_MAX) ftruncateSync(descriptor);
  const { size: begin } = fstatSync(descriptor);
  return {
    descriptor,
    close: () => closeSync(descriptor),
    lastLines: () =>
      readFileSync(path)
        .subarray(begin)
        .toString('utf8')
        .trimEnd()
        .split('\n')
        .slice(-LINES_SHOWN)
        .join('\n'),
  };
}
