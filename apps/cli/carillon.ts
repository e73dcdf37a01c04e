// Runs one command line to its exit code. Ctrl-C ends each command at once: what the API has begun goes on there.
import { once } from 'node:events';
import { CommanderError, type Command } from 'commander';
import type { Kit } from './commands/kit.js';
import { findSources } from './connection/sources.js';
import { EXIT, type ExitCode } from './exit-codes.js';
import { messageText } from './output/cells.js';
import { failureOf } from './output/problems.js';
import { buildProgram } from './program.js';
import type { World } from './world.js';

export async function carillon(args: readonly string[], world: World): Promise<ExitCode> {
  let program: Command | null = null;
  try {
    const sources = await findSources(world.env, world.home);
    const kit: Kit = { world, sources, exitCode: EXIT.done };
    program = buildProgram(kit);
    const [first = 'help', ...others] = args;
    const given = first === 'help' ? [...others, '--help'] : args;
    const ran = program.parseAsync(given, { from: 'user' });
    await Promise.race([ran, interrupted(world.signal)]);
    return kit.exitCode;
  } catch (error) {
    if (world.signal.aborted) return EXIT.interrupted;
    const { text, exitCode } =
      error instanceof CommanderError
        ? wrongCall(error, program && commandOf(program, args))
        : failureOf(error);
    if (text !== '') world.err.write(`carillon: ${messageText(text)}\n`);
    return exitCode;
  }
}

async function interrupted(signal: AbortSignal): Promise<never> {
  if (!signal.aborted) await once(signal, 'abort');
  throw signal.reason;
}

/** Help that was asked for ends in the same way. */
function wrongCall(
  { code, exitCode, message }: CommanderError,
  command: Command | null,
): { text: string; exitCode: ExitCode } {
  if (exitCode === 0) return { text: '', exitCode: EXIT.done };
  const known = (command?.commands ?? []).map((each) => each.name()).join(', ');
  // A group without one of its commands: its help has been written.
  if (code === 'commander.help')
    return { text: `expected a command (${known}), got none`, exitCode: EXIT.usage };
  const [fact = '', ...hints] = message.replace(/^error: /, '').split('\n');
  const expected = code === 'commander.unknownCommand' ? [`expected one of ${known}`] : [];
  const see = `see ${wordsOf(command)} --help`;
  return { text: [fact, ...hints, ...expected, see].join('\n  '), exitCode: EXIT.usage };
}

/** How far the arguments lead down the tree. */
function commandOf(program: Command, args: readonly string[]): Command {
  let found = program;
  for (const word of args) found = found.commands.find((each) => each.name() === word) ?? found;
  return found;
}

function wordsOf(command: Command | null): string {
  if (command === null) return 'carillon';
  return command.parent === null ? command.name() : `${wordsOf(command.parent)} ${command.name()}`;
}
