// Colours for states, on a terminal whose user has not set NO_COLOR (https://no-color.org).
import { styleText } from 'node:util';
import type { Environment, Sink } from '../world.js';

const TITLES = new Set(['state', 'outcome', 'level', 'result', 'ready']);
const COLOURS: Readonly<Record<string, 'green' | 'yellow' | 'red'>> = {
  ...colour('green', 'active', 'succeeded', 'fired', 'created', 'true'),
  ...colour('yellow', 'paused', 'suspended', 'retrying', 'draining', 'late', 'skipped', 'warn', 'updated'),
  ...colour('red', 'failed', 'dead-lettered', 'expired', 'dead', 'missed', 'error', 'false'),
};

export function hasColours({ env, out }: { env: Environment; out: Sink }): boolean {
  return out.isTerminal && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
}

/** `text` is the value with what pads it. */
export function painted(title: string, text: string, value: string): string {
  const known = TITLES.has(title) ? COLOURS[value] : undefined;
  return known === undefined ? text : styleText(known, text, { validateStream: false });
}

function colour<Colour>(name: Colour, ...values: string[]): Record<string, Colour> {
  return Object.fromEntries(values.map((value) => [value, name]));
}
