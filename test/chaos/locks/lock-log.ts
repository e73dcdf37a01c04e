// What do the users of locks say of themselves? A line in a file for each thing that they do and each moment at which they
// are sure of what they hold. All read the machine's monotonic clock. The instant of a line was read before what it
// says was found out, so a process that is frozen in between says nothing that is not true.
import { appendFileSync, existsSync, readFileSync } from 'node:fs';

export type LockMode = 'exclusive' | 'shared' | 'permits';

export interface TakenLock {
  readonly lock: string;
  readonly mode: LockMode;
  readonly permits: number;
  readonly token: number;
}

export type LockLine = { readonly atMs: number } & (
  | { readonly kind: 'asked'; readonly id: string; readonly user: string; readonly locks: readonly string[] }
  /** Answered, with or without being sure of it by then. */
  | {
      readonly kind: 'acquired';
      readonly id: string;
      readonly taken: readonly TakenLock[];
      readonly isSure: boolean;
    }
  | { readonly kind: 'gave-up'; readonly id: string }
  /** Of all that a process holds. */
  | { readonly kind: 'sure'; readonly ids: readonly string[] }
  /** Before the release is sent. */
  | { readonly kind: 'releases'; readonly id: string }
  /** The database refused to write for a token that is stale. */
  | { readonly kind: 'refused'; readonly id: string; readonly lock: string }
  /** What no fault explains. */
  | { readonly kind: 'complaint'; readonly text: string }
);

/** By the machine's monotonic clock. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

export function writeLine(file: string, line: LockLine): void {
  appendFileSync(file, `${JSON.stringify(line)}\n`);
}

/** Instants are moved by the offset, to compare them with those of a wall clock. */
export function readLines(file: string, offsetMs: number): LockLine[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((text) => {
      const line = JSON.parse(text) as LockLine; // only the users write it
      return { ...line, atMs: line.atMs + offsetMs };
    });
}
