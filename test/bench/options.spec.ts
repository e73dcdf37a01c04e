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
      bounds: [],
    });
  });

  it('ask for less, and for fewer parts, when it is to be quick', () => {
    expect(parse('--quick')).toMatchObject({ parts: parts.quick, isQuick: true, runs: 30_000 });
    expect(parse('--quick', '--only', 'enqueue,drain').parts).toEqual(['enqueue', 'drain']);
  });

  it('take numbers', () => {
    const options = parse('--rounds', '5', '--runs', '2000', '--json', 'a.json');
    expect(options).toMatchObject({ rounds: 5, runs: 2_000, json: 'a.json' });
  });

  it('take bounds of figures', () => {
    expect(parse('--max', 'b=1.4', '--min', 'a=0.5', '--min', 'c=2').bounds).toEqual([
      { kind: 'min', figure: 'a', value: 0.5 },
      { kind: 'min', figure: 'c', value: 2 },
      { kind: 'max', figure: 'b', value: 1.4 },
    ]);
  });

  it.each([
    [['--only', 'speed'], 'expected --only to name parts of drain, enqueue, idle, got "speed"'],
    [['--only', ''], 'expected --only to name parts of drain, enqueue, idle, got ""'],
    [['--rounds', '0'], 'expected --rounds from 1 to 99, got "0"'],
    [['--runs', 'many'], 'expected --runs from 1000 to 10000000, got "many"'],
    [['--min', 'a'], 'expected --min a= from 0.01 to 1000000, got ""'],
    [['--max', 'a=much'], 'expected --max a= from 0.01 to 1000000, got "much"'],
    [['--fast'], "Unknown option '--fast'"],
  ])('refuse %j', (args, message) => {
    expect(() => parse(...args)).toThrow(message);
  });
});
