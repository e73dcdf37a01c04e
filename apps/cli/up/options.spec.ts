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
      options: { replicas: 3, port: 8080, isFresh: false, hasDemo: true, data: '.data' },
    });
  });

  it('are read in both spellings', () => {
    expect(
      parseUpOptions(['--replicas=5', '--port', '0', '--no-demo', '--fresh', '--data', 'elsewhere']),
    ).toEqual({
      kind: 'options',
      options: { replicas: 5, port: 0, isFresh: true, hasDemo: false, data: 'elsewhere' },
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

  it('name an option that does not exist', () => {
    expect(messageOf('--replica', '3')).toContain("Unknown option '--replica'");
    expect(messageOf('--replica', '3')).not.toContain('\n');
  });

  it('refuse words, a value that is missing and one that is too much', () => {
    expect(messageOf('now')).toContain("Unexpected argument 'now'");
    expect(messageOf('--replicas')).toContain("'--replicas <value>' argument missing");
    expect(messageOf('--fresh=yes')).toContain("'--fresh' does not take an argument");
    expect(messageOf('--data', '')).toBe('--data: expected a folder, got ""');
  });

  it('are all told by the usage', () => {
    expect(parseUpOptions(['--help', '--replicas', '4'])).toEqual({ kind: 'help' });
    for (const name of ['--replicas', '--port', '--no-demo', '--fresh', '--data', '--help'])
      expect(UP_USAGE).toContain(name);
  });
});
