// Does a shell offer what can stand at the cursor? bash is asked itself; the scripts of the others are looked at, since
// these shells are on few machines.
import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { nodesOf } from './completion.js';
import { SCRIPTS } from './completion-scripts.js';
import { allCommands, definitions } from '../../../../test/support/cli-commands.js';

const script = (shell: string): string => SCRIPTS[shell]?.(nodesOf(definitions())) ?? '';

function offered(line: string): string[] {
  const words = line.split(' ').map((word) => `'${word}'`);
  const ask = `COMP_WORDS=(${words.join(' ')}); COMP_CWORD=${words.length - 1}; _carillon; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const out = execFileSync('bash', ['--norc', '-c', `${script('bash')}\n${ask}`], { encoding: 'utf8' });
  return out.split('\n').filter((word) => word !== '');
}

it.each([
  ['carillon sch', ['schedules']],
  ['carillon runs re', ['retry']],
  ['carillon --tenant acme runs lo', ['logs']],
  ['carillon runs ls --st', ['--state']],
  ['carillon runs ls --ten', ['--tenant']],
  ['carillon completion ', ['bash', 'zsh', 'fish']],
  ['carillon schedules get night', []],
])('%s', (line, expected) => expect(offered(line)).toEqual(expected));

it.each(['zsh', 'fish'])('%s has each command and option', (shell) => {
  const text = script(shell);
  for (const { words, command } of allCommands()) {
    expect(text).toContain(` ${words}'`);
    for (const { long } of command.options)
      expect(text).toContain(shell === 'fish' ? `-l ${long?.slice(2)} ` : long);
  }
});
