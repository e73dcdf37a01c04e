// The reference of all commands in docs/CLI.md, made from their definitions. What stands above it in that file is written
// by hand.
import type { Command } from 'commander';
import { EXIT_MEANINGS } from '../../apps/cli/exit-codes.js';
import { allCommands, definitions } from './cli-commands.js';

export const MARK =
  '<!-- Below: made from the definitions of the commands, by `UPDATE_CLI_REFERENCE=1 npm test -- --project unit apps/cli/reference`. -->';

interface Explained {
  readonly term: string;
  readonly description: string;
}

export function reference(): string {
  const codes = EXIT_MEANINGS.map(([code, meaning]) => `| ${code} | ${meaning} |`);
  const commands = allCommands().map(({ words, command }) => section(words, command));
  const globals = table('option', optionsOf(definitions()));
  return [
    MARK,
    '## Exit codes',
    ['| code | meaning |', '|---|---|', ...codes].join('\n'),
    '## Options of all commands',
    globals,
    '## Commands',
    ...commands,
    '',
  ].join('\n\n');
}

function section(words: string, command: Command): string {
  const usage = [words, ...command.registeredArguments.map((each) => argumentText(each))].join(' ');
  const args = command.registeredArguments.map((each) => ({
    term: argumentText(each),
    description: withChoices(each.description, each.argChoices),
  }));
  const rows = [...args, ...optionsOf(command)];
  const own = words === 'up' ? ['```text', command.helpInformation().trimEnd(), '```'].join('\n') : '';
  return [
    `### \`carillon ${usage}\``,
    `${command.description()}.`,
    rows.length === 0 ? '' : table('argument or option', rows),
    own,
  ]
    .filter((part) => part !== '')
    .join('\n\n');
}

function argumentText(argument: Command['registeredArguments'][number]): string {
  const name = `${argument.name()}${argument.variadic ? '...' : ''}`;
  return argument.required ? `<${name}>` : `[${name}]`;
}

function optionsOf(command: Command): Explained[] {
  return command.options.map(({ flags, description, argChoices, defaultValue, mandatory }) => {
    const byDefault = defaultValue === undefined || defaultValue === true ? '' : ` (${String(defaultValue)})`;
    const needed = mandatory ? ' (needed)' : '';
    return { term: flags, description: `${withChoices(description, argChoices)}${byDefault}${needed}` };
  });
}

function withChoices(description: string, choices: readonly string[] | undefined): string {
  return choices === undefined ? description : `${description}: ${choices.join(', ')}`;
}

function table(title: string, rows: readonly Explained[]): string {
  const lines = rows.map(({ term, description }) => `| \`${escaped(term)}\` | ${escaped(description)} |`);
  return [`| ${title} | |`, '|---|---|', ...lines].join('\n');
}

function escaped(text: string): string {
  return text.replaceAll('|', String.raw`\|`);
}
