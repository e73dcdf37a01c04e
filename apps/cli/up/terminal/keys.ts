// Reads pressed keys. On a terminal single keys count, without Enter; from a pipe the same letters, so that a script
// can press them. Any other input (a file, /dev/null, a terminal that another program has in the foreground) is left
// alone.
import { fstatSync, readFileSync } from 'node:fs';

export type Key = 'kill-leader' | 'kill-replica' | 'help' | 'quit';

const KEYS: Readonly<Record<string, Key>> = {
  k: 'kill-leader',
  r: 'kill-replica',
  '?': 'help',
  h: 'help',
  q: 'quit',
  '\u0003': 'quit', // Ctrl-C: in raw mode it is a key and no signal
};
const STDIN = 0;

export interface Keyboard {
  /** Returns the function that gives the terminal back. */
  listen(press: (key: Key) => void): () => void;
}

/** Undefined when there are no keys to listen to. */
export function findKeyboard(input: NodeJS.ReadStream): Keyboard | undefined {
  const isTerminal = input.isTTY && isInForeground();
  if (!isTerminal && !isPipe()) return undefined;
  return {
    listen: (press) => {
      const read = (chunk: string): void => {
        for (const letter of chunk) {
          const key = KEYS[letter.toLowerCase()];
          if (key !== undefined) press(key);
        }
      };
      if (isTerminal) input.setRawMode(true);
      input
        .setEncoding('utf8')
        .on('data', read)
        .on('error', () => undefined); // the terminal was closed
      return () => {
        input.off('data', read).pause();
        if (isTerminal) input.setRawMode(false);
      };
    },
  };
}

function isPipe(): boolean {
  try {
    const stats = fstatSync(STDIN);
    return stats.isFIFO() || stats.isSocket();
  } catch {
    return false; // closed
  }
}

/** A background job (`npm start &`) that touches its terminal's modes is stopped by the kernel. */
function isInForeground(): boolean {
  try {
    const [, , group, , , foregroundGroup] = readFileSync('/proc/self/stat', 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    return group === foregroundGroup;
  } catch {
    return true; // no /proc: not Linux
  }
}
