// What a command knows of the process around it. It is passed in, so that a test can run each command beside others,
// and read what it prints.
import { createInterface } from 'node:readline/promises';
import { text } from 'node:stream/consumers';
import { EXIT } from './exit-codes.js';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Sink {
  write(text: string): void;
  readonly isTerminal: boolean;
}

export interface World {
  readonly env: Environment;
  /** Where relative paths begin. */
  readonly folder: string;
  /** Where `npm start` keeps its data, in `.data`. */
  readonly home: string;
  /** What was asked for. */
  readonly out: Sink;
  /** What is said beside it, to people. */
  readonly err: Sink;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  readInput(): Promise<string>;
  /** Null where no person is there to ask. */
  readonly ask: ((question: string) => Promise<string>) | null;
}

export function worldOfProcess(): World {
  const { stdin, stdout, stderr, env } = process;
  const interrupt = new AbortController();
  // Once: a second Ctrl-C ends the process as if there was no listener.
  process.once('SIGINT', () => interrupt.abort());
  endSilentlyWithReader();
  return {
    env,
    // npm runs scripts of a clone in its own folder, and says where it was called.
    folder: env['INIT_CWD'] ?? process.cwd(),
    home: process.cwd(),
    out: { write: (given) => void stdout.write(given), isTerminal: stdout.isTTY },
    err: { write: (given) => void stderr.write(given), isTerminal: stderr.isTTY },
    signal: interrupt.signal,
    readInput: () => text(stdin),
    ask: stdin.isTTY && stderr.isTTY ? (question) => ask(question, interrupt) : null,
  };
}

/** `carillon runs ls | head` has what it wanted; the code is that of a program which SIGPIPE ends. */
function endSilentlyWithReader(): void {
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', ({ code, message }: NodeJS.ErrnoException) => {
      if (code === 'EPIPE') process.exit(EXIT.unread);
      if (stream === process.stdout)
        process.stderr.write(`carillon: expected to write the output, got: ${message}\n`);
      process.exit(EXIT.failed);
    });
}

async function ask(question: string, interrupt: AbortController): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  // While it reads, it gets Ctrl-C as a key, and rejects at Ctrl-D.
  lines.once('SIGINT', () => interrupt.abort());
  try {
    return await lines.question(question).catch(() => '');
  } finally {
    lines.close();
  }
}
