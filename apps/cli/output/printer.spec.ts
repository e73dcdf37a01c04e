// Is each form of output what its reader expects: a person, a pipe, and a program that reads JSON?
import { describe, expect, it } from 'vitest';
import { messageText } from './cells.js';
import { hasColours } from './paint.js';
import { fields, Printer, type Format } from './printer.js';

const print = (format: Format, colours = false) => {
  let text = '';
  const out = { isTerminal: colours, write: (piece: string) => void (text += piece) };
  return { printer: new Printer(out, format, colours), text: () => text };
};
const ROWS = [
  { name: 'a', state: 'failed', nextDueAt: null, tags: ['x', 'y'], more: 1 },
  { name: 'longer', state: 'active', nextDueAt: 'then', tags: [], more: 2 },
];
const COLUMNS = fields('name', 'state', 'nextDueAt', 'tags');

describe('a list', () => {
  it.each([
    [
      'table',
      'NAME    STATE   NEXT DUE AT  TAGS\na       failed  -            x,y\nlonger  active  then         -\n',
    ],
    ['tsv', 'a\tfailed\t\tx,y\nlonger\tactive\tthen\t\n'],
    ['ndjson', `${ROWS.map((row) => JSON.stringify(row)).join('\n')}\n`],
    ['json', `[\n  ${ROWS.map((row) => JSON.stringify(row)).join(',\n  ')}\n]\n`],
  ] as const)('as %s', async (format, expected) => {
    const { printer, text } = print(format);
    await printer.rows(ROWS, COLUMNS);
    expect(text()).toBe(expected);
  });

  it('that is empty is a heading, nothing, or an empty list', async () => {
    const texts = [];
    for (const format of ['table', 'tsv', 'json', 'ndjson'] as const) {
      const { printer, text } = print(format);
      await printer.rows([], fields('id'));
      texts.push(text());
    }
    expect(texts).toEqual(['ID\n', '', '[]\n', '']);
  });

  it('that breaks off shows what came before', async () => {
    async function* broken() {
      yield { id: 7 };
      throw new Error('gone');
    }
    for (const format of ['table', 'json'] as const) {
      const { printer, text } = print(format);
      await expect(printer.rows(broken(), fields('id'))).rejects.toThrow('gone');
      expect(text()).toBe(format === 'table' ? 'ID\n7\n' : '[\n  {"id":7}\n]\n');
    }
  });
});

describe('one thing', () => {
  it('has a line for each field, or for those that matter; JSON has all', () => {
    const of = (format: Format) => {
      const { printer, text } = print(format);
      printer.record({ id: 7, locks: [{ name: 'b' }], error: null }, ['id', 'error']);
      return text();
    };
    expect(of('table')).toBe('id     7\nerror  -\n');
    expect(of('tsv')).toBe('id\t7\nerror\t\n');
    expect(JSON.parse(of('json'))).toEqual({ id: 7, locks: [{ name: 'b' }], error: null });
    expect(of('ndjson').trim().split('\n')).toHaveLength(1);
  });

  it('can’t steer a terminal, nor add a line or a column', () => {
    const evil = 'a\u001b[2J\tb\nc\\';
    const shown = (format: Format) => {
      const { printer, text } = print(format);
      printer.record({ evil });
      return text();
    };
    expect(shown('table')).toBe('evil  a\\x1b[2J b c\\\n');
    expect(shown('tsv')).toBe('evil\ta\\x1b[2J\\tb\\nc\\\\\n');
  });
});

it('a message can’t steer a terminal either', () =>
  expect(messageText('a\u001b[2J\nb\r')).toBe('a\\x1b[2J\nb\\x0d'));

describe('colours', () => {
  it('are for states, and do not move columns', async () => {
    const { printer, text } = print('table', true);
    await printer.rows(ROWS, fields('name', 'state'));
    expect(text()).toBe(
      'NAME    STATE\na       \u001b[31mfailed\u001b[39m\nlonger  \u001b[32mactive\u001b[39m\n',
    );
  });

  it('are for a terminal whose owner wants them', () => {
    const out = { isTerminal: true, write: () => undefined };
    expect(hasColours({ env: {}, out })).toBe(true);
    expect(hasColours({ env: { NO_COLOR: '1' }, out })).toBe(false);
    expect(hasColours({ env: { TERM: 'dumb' }, out })).toBe(false);
    expect(hasColours({ env: {}, out: { ...out, isTerminal: false } })).toBe(false);
  });
});

it('no form of it steers a terminal', async () => {
  const row = { name: 'a\u009b31m\u202eb' };
  for (const format of ['table', 'tsv', 'json', 'ndjson'] as const) {
    const { printer, text } = print(format);
    await printer.rows([row], fields('name'));
    printer.record(row);
    expect(text()).not.toMatch(/[\u007f-\u009f\u202a-\u202e]/);
    if (format === 'ndjson') expect(JSON.parse(text().split('\n')[0] ?? '')).toEqual(row);
  }
});
