import { describe, expect, it } from 'vitest';
import { checkExclusion } from './exclusion-check.js';
import { acquisition } from './lock-samples.js';

const first = acquisition('a/1', { token: 1, fromMs: 1_000, toMs: 2_000 });

describe('L1: one user at a time is sure of an exclusive lock', () => {
  it('finds nothing where one follows the other', () => {
    expect(
      checkExclusion([...first, ...acquisition('b/1', { token: 2, fromMs: 2_000, toMs: 3_000 })]),
    ).toEqual([]);
  });

  it('refuses one that is sure while another is', () => {
    const lines = [...first, ...acquisition('b/1', { token: 2, fromMs: 1_999, toMs: 3_000 })];
    expect(checkExclusion(lines)).toEqual([expect.stringMatching(/^L1: b\/1 .* and a\/1 .* until 2000/)]);
  });

  it('judges each lock by itself', () => {
    const other = acquisition('b/1', { token: 2, lock: 'two', fromMs: 1_500, toMs: 3_000 });
    expect(checkExclusion([...first, ...other])).toEqual([]);
  });

  it('ends a span with the last moment at which its user was sure, not with its release', () => {
    const frozen = acquisition('a/1', { token: 1, fromMs: 1_000, toMs: 2_000 }).map((line) =>
      line.kind === 'releases' ? { ...line, atMs: 9_000 } : line,
    );
    const next = acquisition('b/1', { token: 2, fromMs: 5_000, toMs: 6_000 });
    expect(checkExclusion([...frozen, ...next])).toEqual([]);
  });

  it('does not count an answer that came too late to be sure', () => {
    const late = acquisition('b/1', { token: 2, fromMs: 1_500, toMs: 3_000 }).map((line) =>
      line.kind === 'acquired' ? { ...line, isSure: false } : line,
    );
    expect(checkExclusion([...first, ...late])).toEqual([]);
  });

  it('lets shared holds be side by side, and refuses an exclusive one among them', () => {
    const shared = [1, 2].flatMap((token) =>
      acquisition(`s/${token}`, { token, mode: 'shared', fromMs: 1_000 + token, toMs: 2_000 }),
    );
    expect(checkExclusion(shared)).toEqual([]);
    const among = acquisition('x/1', { token: 3, fromMs: 1_900, toMs: 1_950 });
    expect(checkExclusion([...shared, ...among])).toHaveLength(2);
  });

  it('refuses more permits than there are', () => {
    const permits = (id: string, token: number) =>
      acquisition(id, {
        token,
        lock: 'pool',
        mode: 'permits',
        permits: token,
        fromMs: 1_000 + token,
        toMs: 2_000,
      });
    expect(checkExclusion([...permits('a/1', 1), ...permits('b/1', 2)])).toEqual([]);
    expect(checkExclusion([...permits('b/1', 2), ...permits('c/1', 3)])).toEqual([
      expect.stringMatching(/^L1: b\/1 .*, c\/1 .* were sure of 5 permits at once/),
    ]);
  });
});
