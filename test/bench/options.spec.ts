import { describe, expect, it } from 'vitest';
import { parseBenchOptions } from './options.js';

const parts = { known: ['drain', 'enqueue', 'idle'], quick: ['drain', 'idle'] } as const;
const parse = (...args: string[]) => parseBenchOptions(args, parts);

describe('the options of the benchmark', () => {
  it('ask for everything when nothing is given', () => {
    expect(parse()).toEqual({
      parts: parts.known,
      isQuick: false,
      rounds: 3,
      runs: 100_000,
      json: null,
      minRatio: null,
    });
  });

  it('ask for less, and for fewer parts, when it is to be quick', () => {
    expect(parse('--quick')).toMatchObject({ parts: parts.quick, isQuick: true, runs: 30_000 });
    expect(parse('--quick', '--only', 'enqueue,drain').parts).toEqual(['enqueue', 'drain']);
  });

  it('take numbers', () => {
    const options = parse('--rounds', '5', '--runs', '2000', '--min-ratio', '2.5', '--json', 'a.json');
    expect(options).toMatchObject({ rounds: 5, runs: 2_000, minRatio: 2.5, json: 'a.json' });
  });

  it.each([
    [['--only', 'speed'], 'expected --only to name parts of drain, enqueue, idle, got "speed"'],
    [['--only', ''], 'expected --only to name parts of drain, enqueue, idle, got ""'],
    [['--rounds', '0'], 'expected --rounds from 1 to 99, got "0"'],
    [['--runs', 'many'], 'expected --runs from 1000 to 10000000, got "many"'],
    [['--min-ratio', ''], 'expected --min-ratio from 0.1 to 1000, got ""'],
    [['--only', 'idle', '--min-ratio', '3'], 'expected --min-ratio together with the part drain, got idle'],
    [['--fast'], "Unknown option '--fast'"],
  ])('refuse %j', (args, message) => {
    expect(() => parse(...args)).toThrow(message);
  });
});
