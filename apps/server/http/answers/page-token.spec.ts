// Does a list go on where the last page ended, and can no caller make a place up?
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { pageQuery, PageTokens } from './page-token.js';
import { ProblemError } from '../problems/problem.js';

const tokens = new PageTokens(Buffer.from('the secret of the installation'));
const filter = { runsOf: 'tenant a', state: 'waiting' };

const tokenOf = (key: string, of: object = filter, by = tokens): string => {
  const { nextPageToken } = by.page([key, 'one more'], { size: 1, filter: of, keyOf: String, show: String });
  expect(nextPageToken).not.toBeNull();
  return String(nextPageToken);
};

describe('a page', () => {
  const page = (rows: readonly number[], size: number) =>
    tokens.page(rows, { size, filter, keyOf: String, show: (row) => `row ${row}` });

  it('shows no more than its size, and has a token only if there is one more', () => {
    expect(page([1, 2, 3], 2).items).toEqual(['row 1', 'row 2']);
    expect(page([1, 2, 3], 2).nextPageToken).not.toBeNull();
    expect(page([1, 2], 2)).toEqual({ items: ['row 1', 'row 2'], nextPageToken: null });
    expect(page([], 2)).toEqual({ items: [], nextPageToken: null });
  });

  it('that was cut goes on after its last row', () => {
    const { items, nextPageToken } = tokens.page([1, 2], {
      size: 5,
      filter,
      isCut: true,
      keyOf: String,
      show: String,
    });
    expect(items).toEqual(['1', '2']);
    expect(tokens.open(nextPageToken ?? undefined, filter)).toBe('2');
  });

  it('ends with the row that its token names', () => {
    expect(tokens.open(page([1, 2, 3], 2).nextPageToken ?? undefined, filter)).toBe('2');
  });

  it('follows page by page until every row was shown once', () => {
    fc.assert(
      fc.property(fc.nat(40), fc.integer({ min: 1, max: 10 }), (count, size) => {
        const rows = Array.from({ length: count }, (_, row) => row);
        const shown: number[] = [];
        let token: string | undefined;
        do {
          const key = tokens.open(token, filter);
          const rest = rows.filter((row) => key === null || row > Number(key)).slice(0, size + 1);
          const { items, nextPageToken } = tokens.page(rest, {
            size,
            filter,
            keyOf: String,
            show: (row) => row,
          });
          shown.push(...items);
          token = nextPageToken ?? undefined;
        } while (token !== undefined);
        expect(shown).toEqual(rows);
      }),
    );
  });
});

describe('a page token', () => {
  it('brings back any key, and can stand in an URL as it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (key) => {
        expect(tokens.open(tokenOf(key), filter)).toBe(key);
        expect(tokenOf(key)).toMatch(/^[\w-]+$/);
      }),
    );
  });

  it('is not needed for the first page', () => {
    expect(tokens.open(undefined, filter)).toBeNull();
  });

  it('of one replica is accepted by every other of the installation', () => {
    const other = new PageTokens(Buffer.from('the secret of the installation'));
    expect(other.open(tokenOf('k'), filter)).toBe('k');
  });

  const expectRefused = (token: string, by = tokens, of: object = filter) => {
    expect(() => by.open(token, of)).toThrow(ProblemError);
    expect(() => by.open(token, of)).toThrow(
      expect.objectContaining({ type: 'invalid-page-token', status: 400 }),
    );
  };

  it('of another installation is refused', () => {
    expectRefused(tokenOf('k'), new PageTokens(Buffer.from('the secret of another')));
  });

  it.each([
    ['of another tenant', { ...filter, runsOf: 'tenant b' }],
    ['with another filter', { ...filter, state: 'running' }],
    ['with one filter less', { runsOf: 'tenant a' }],
    ['of another kind', { schedulesOf: 'tenant a', state: 'waiting' }],
  ])('for a list %s is refused', (_what, other) => {
    expectRefused(tokenOf('k', other));
  });

  it.each(['', 'k', 'AAAA', '!!!!', Buffer.from('k').toString('base64url'), 'A'.repeat(16), 'A'.repeat(100)])(
    'that nobody made is refused: "%s"',
    (token) => {
      expectRefused(token);
    },
  );

  it('that was changed anywhere is refused', () => {
    const bytes = Buffer.from(tokenOf('2026-11-21T08:00:00.000Z'), 'base64url');
    for (let index = 0; index < bytes.length; index += 1) {
      const changed = Buffer.from(bytes);
      changed[index] = (changed[index] ?? 0) ^ 1;
      expectRefused(changed.toString('base64url'));
    }
    expectRefused(bytes.subarray(0, -1).toString('base64url'));
  });
});

describe('the query of a list', () => {
  const query = z.strictObject(pageQuery);

  it('asks for 50 rows unless it says otherwise, and for 200 at most', () => {
    expect(query.parse({})).toEqual({ pageSize: 50 });
    expect(query.parse({ pageSize: '200', pageToken: 't' })).toEqual({ pageSize: 200, pageToken: 't' });
    for (const pageSize of ['0', '201', '1.5', 'all', ''])
      expect(query.safeParse({ pageSize }).success).toBe(false);
  });
});
