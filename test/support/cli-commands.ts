// All commands that do something, as they are defined; for what is made from them.
import type { Command } from 'commander';
import { buildProgram } from '../../apps/cli/program.js';

export interface NamedCommand {
  /** What is typed behind `carillon`. */
  readonly words: string;
  readonly command: Command;
}

/** A program that is asked for its definitions only. */
export function definitions(): Command {
  const silent = { isTerminal: false, write: () => undefined };
  const world = {
    env: {},
    folder: '',
    home: '',
    out: silent,
    err: silent,
    signal: new AbortController().signal,
    readInput: () => Promise.resolve(''),
    ask: null,
  };
  const here = { urls: [], adminKey: null };
  const sources = { env: {}, profiles: { path: '', default: null, byName: new Map() }, here };
  return buildProgram({ world, sources, exitCode: 0 });
}

export function allCommands(): NamedCommand[] {
  return definitions().commands.flatMap((command) => within(command, command.name()));
}

/** A group does nothing by itself; one with options does. */
function within(command: Command, words: string): NamedCommand[] {
  const below = command.commands.flatMap((each) => within(each, `${words} ${each.name()}`));
  const isGroup = below.length > 0 && command.options.length === 0;
  return [...(isGroup ? [] : [{ words, command }]), ...below];
}
