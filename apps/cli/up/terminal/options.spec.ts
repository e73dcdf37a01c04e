// Is every call of `up` either understood or refused in one line?
import { describe, expect, it } from 'vitest';
import { parseUpOptions, UP_USAGE } from './options.js';

const messageOf = (...args: string[]): string => {
  const parsed = parseUpOptions(args);
  return parsed.kind === 'invalid' ? parsed.message : `understood as ${parsed.kind}`;
};

describe('the options of up', () => {
  it('have defaults that a first start wants', () => {
    expect(parseUpOptions([])).toEqual({
      kind: 'options',
      options: { replicas: 3, port: 8080, isFresh: false, hasDemo: true, data: '.data', isWatching: false },
    });
  });

  it('are read in both spellings', () => {
    expect(
      parseUpOptions([
        '--replicas=5',
        '--port',
        '0',
        '--no-demo',
        '--fresh',
        '--data',
        'elsewhere',
        '--watch',
      ]),
    ).toEqual({
      kind: 'options',
      options: { replicas: 5, port: 0, isFresh: true, hasDemo: false, data: 'elsewhere', isWatching: true },
    });
  });

  it.each(['0', '10', '-1', '2.5', 'three', '', '1e0', ' 3'])('refuse %j replicas', (text) => {
    expect(messageOf(`--replicas=${text}`)).toBe(
      `--replicas: expected a whole number from 1 to 9, got ${JSON.stringify(text)}`,
    );
  });

  it('refuse a port that leaves no room for the others', () => {
    expect(messageOf('--port', '65535')).toBe('--port: expected a whole number from 0 to 65500, got "65535"');
  });

  const known =
    'expected only --replicas N, --port N, --no-demo, --fresh, --data DIR, --watch or --help; got: ';

  it.each([
    ['an option that does not exist', ['--replica', '3'], "Unknown option '--replica'"],
    ['words', ['now'], "Unexpected argument 'now'"],
    ['a value that is missing', ['--replicas'], "Option '--replicas <value>' argument missing"],
    ['a value that is too much', ['--fresh=yes'], "Option '--fresh' does not take an argument"],
  ])('refuse %s', (_, args, fact) => {
    expect(messageOf(...args)).toBe(known + fact);
  });

  it('refuse an empty folder', () => {
    expect(messageOf('--data', '')).toBe('--data: expected a folder, got ""');
  });

  it('are all told by the usage', () => {
    expect(parseUpOptions(['--help', '--replicas', '4'])).toEqual({ kind: 'help' });
    for (const name of ['--replicas', '--port', '--no-demo', '--fresh', '--data', '--watch', '--help'])
      expect(UP_USAGE).toContain(name);
  });
});
