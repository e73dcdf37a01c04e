// Prints a script that makes a shell complete commands and options. It is made from the definitions of the commands, and
// starts no process at a key press.
import { Argument, type Command } from 'commander';
import { does, type Kit } from '../kit.js';
import { SCRIPTS, type Node } from './completion-scripts.js';

export function addCompletion(program: Command, kit: Kit): void {
  const shells = Object.keys(SCRIPTS);
  const completion = program
    .command('completion')
    .description('Print a script that makes a shell complete commands: source <(carillon completion bash)')
    .addArgument(new Argument('<shell>', 'whose script it is').choices(shells));
  does(kit, completion, async ({ out }, _options, [shell = '']) => {
    out.text(SCRIPTS[shell]?.(nodesOf(program)) ?? '');
  });
}

/** Each place in the tree of commands, with what can stand there. */
export function nodesOf(command: Command, path: readonly string[] = []): Node[] {
  const shared = command.parent === null ? [] : ancestorsOf(command).flatMap(({ options }) => options);
  const options = [...command.options, ...shared, { long: '--help', description: 'show the help' }];
  const node: Node = {
    path: path.join(' '),
    commands: command.commands.map((each) => [each.name(), each.description()]),
    options: options.map(({ long, description }) => [long ?? '', description]),
    choices: command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []),
  };
  return [node, ...command.commands.flatMap((each) => nodesOf(each, [...path, each.name()]))];
}

function ancestorsOf({ parent }: Command): Command[] {
  return parent === null ? [] : [parent, ...ancestorsOf(parent)];
}
