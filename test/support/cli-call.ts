// Calls the command line in this process, as a shell would: with an environment, a folder and a terminal or none. What it
// prints is kept.
import { tmpdir } from 'node:os';
import { carillon } from '../../apps/cli/carillon.js';
import type { World } from '../../apps/cli/world.js';

export interface Called {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface Circumstances {
  readonly env?: Readonly<Record<string, string>>;
  readonly folder?: string;
  /** What comes through stdin. */
  readonly input?: string;
  /** What a person at a terminal answers; without one there is no terminal. */
  readonly answer?: string;
  readonly signal?: AbortSignal;
  /** Called with each piece that is printed. */
  readonly onPrint?: (text: string) => void;
}

/** No profile of the person who runs the tests is found there. */
const NO_HOME = '/nonexistent';

export async function callCarillon(
  args: readonly string[],
  { env = {}, folder = tmpdir(), input = '', answer, signal, onPrint }: Circumstances = {},
): Promise<Called> {
  const printed = { out: '', err: '' };
  const isTerminal = answer !== undefined;
  const world: World = {
    env: { HOME: NO_HOME, ...env },
    folder,
    home: folder,
    out: {
      isTerminal,
      write: (text) => {
        printed.out += text;
        onPrint?.(text);
      },
    },
    err: {
      isTerminal,
      write: (text) => {
        printed.err += text;
        onPrint?.(text);
      },
    },
    signal: signal ?? new AbortController().signal,
    readInput: () => Promise.resolve(input),
    ask: isTerminal ? () => Promise.resolve(answer) : null,
  };
  const code = await carillon(args, world);
  return { code, ...printed };
}
