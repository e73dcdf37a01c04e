// How a command is defined: commander knows its words and options, and what it does gets a session, its options and its
// arguments, and may resolve with an exit code.
import { InvalidArgumentError, type Command } from 'commander';
import type { Sources } from '../connection/sources.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import type { World } from '../world.js';
import { Session, type GlobalOptions } from './session.js';

export interface Kit {
  readonly world: World;
  readonly sources: Sources;
  /** Of the command that has run. */
  exitCode: ExitCode;
}

type Does<Options> = (
  session: Session,
  options: Options,
  args: readonly string[],
) => Promise<ExitCode | undefined | void>;

export function does<Options extends object>(kit: Kit, command: Command, act: Does<Options>): void {
  command.action(async () => {
    const session = new Session(kit.world, kit.sources, command.optsWithGlobals<GlobalOptions>());
    kit.exitCode = (await act(session, command.opts<Options>(), command.args)) ?? EXIT.done;
    session.end();
  });
}

export interface Yes {
  readonly yes?: boolean;
}

/** Asks before it acts. */
export function asks(command: Command): Command {
  return command.option('-y, --yes', 'do it without asking; needed where no terminal is there to ask');
}

export interface Limit {
  readonly limit: number;
}

export function limited(command: Command, limit: number): Command {
  return command.option('--limit <n>', 'how many at most; 0 for all', whole(0, 1_000_000), limit);
}

/** Up to the limit; says so where there are more. */
export async function* upTo<Row>(
  session: Session,
  { limit }: Limit,
  rows: AsyncIterable<Row>,
): AsyncGenerator<Row, void, undefined> {
  let count = 0;
  for await (const row of rows) {
    if (limit > 0 && count === limit) {
      session.noteAtEnd(`carillon: these are the first ${limit}, and there are more: see --limit`);
      return;
    }
    count += 1;
    yield row;
  }
}

/** The page that a list is asked for: no larger than it needs, and one more, so that the end is seen. */
export function pageSize({ limit }: Limit): number {
  return limit === 0 ? 200 : Math.min(limit + 1, 200);
}

export function whole(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = /^-?\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${min} to ${max}.`);
  };
}

export function instant(text: string): string {
  // Node reads more than the API takes.
  if (/^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(text) && !Number.isNaN(Date.parse(text))) return text;
  throw new InvalidArgumentError('Expected an instant such as 2031-01-01T06:00:00Z.');
}

/** For an option that is given several times. */
export function several(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

/** One after the other; the first that fails ends it. */
export async function* each<Row>(
  names: readonly string[],
  act: (name: string) => Promise<Row>,
): AsyncGenerator<Row, void, undefined> {
  for (const name of names) yield await act(name);
}
