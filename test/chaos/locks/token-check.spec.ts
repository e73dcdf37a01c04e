import { describe, expect, it } from 'vitest';
import { acquisition, holdNote, lockWrite } from './lock-samples.js';
import { checkTokens } from './token-check.js';

const first = acquisition('a/1', { token: 1, fromMs: 1_000, toMs: 2_000 });
const second = acquisition('b/1', { token: 2, fromMs: 3_000, toMs: 4_000 });
const holdNotes = [1, 2].map((token) =>
  holdNote({ token, holder: `holder of ${token}`, atMs: token * 1_000 }),
);
const tables = { holdNotes, waitNotes: [], writes: [], gone: [] };

describe('L2: tokens grow in the order of acquisition', () => {
  it('finds nothing where they do', () => {
    expect(checkTokens([...first, ...second], tables)).toEqual([]);
  });

  it('refuses a token that was given twice', () => {
    const again = acquisition('b/1', { token: 1, fromMs: 3_000, toMs: 4_000 });
    expect(checkTokens([...first, ...again], tables)).toContainEqual('L2: token 1 was given to a/1 and b/1');
  });

  it('refuses a smaller token of a later acquisition', () => {
    const later = acquisition('a/1', { token: 1, fromMs: 5_000, toMs: 6_000 });
    expect(checkTokens([...second, ...later], tables)).toEqual([
      'L2: a/1 acquired one with token 1 after b/1 had with token 2',
    ]);
  });

  it('lets shared ones that were asked for at once be answered in any order, and no others', () => {
    const shared = (id: string, token: number, fromMs: number, askedMs: number) =>
      acquisition(id, { token, mode: 'shared', fromMs, toMs: 9_000 }).map((line) =>
        line.kind === 'asked' ? { ...line, atMs: askedMs } : line,
      );
    const sharedNotes = {
      ...tables,
      holdNotes: holdNotes.map((note) => ({ ...note, mode: 'shared' as const })),
    };
    expect(
      checkTokens([...shared('b/1', 2, 1_000, 900), ...shared('a/1', 1, 1_100, 950)], sharedNotes),
    ).toEqual([]);
    expect(
      checkTokens([...shared('b/1', 2, 1_000, 900), ...shared('a/1', 1, 1_100, 1_050)], sharedNotes),
    ).toHaveLength(1);
  });

  it('refuses a token that the database never gave, or gave of another lock', () => {
    const made = acquisition('c/1', { token: 3, fromMs: 5_000, toMs: 6_000 });
    expect(checkTokens(made, tables)).toEqual(['L2: c/1 has token 3 of one, which the database never gave']);
    const other = acquisition('b/1', { token: 2, lock: 'two', fromMs: 5_000, toMs: 6_000 });
    expect(checkTokens(other, tables)).toHaveLength(1);
  });

  it('refuses a database whose tokens shrink', () => {
    expect(checkTokens([], { ...tables, holdNotes: holdNotes.toReversed() })).toEqual([
      'L2: one was held with token 1 after token 2',
    ]);
  });
});

describe('L3: no write of a stale holder is committed behind one of its successor', () => {
  const check = (writes: Parameters<typeof checkTokens>[1]['writes'], notes = holdNotes) =>
    checkTokens([], { holdNotes: notes, waitNotes: [], writes, gone: [] });
  const later = lockWrite({ token: 2, xid: '110', snapshot: '110:110:' });

  it('finds nothing where the former had been committed', () => {
    expect(check([lockWrite({ token: 1, xid: '100', snapshot: '100:100:' }), later])).toEqual([]);
    const behindAnother = { ...later, snapshot: '90:110:90,105' };
    expect(check([lockWrite({ token: 1, xid: '100', snapshot: '100:100:' }), behindAnother])).toEqual([]);
  });

  it('refuses a write that was under way when the successor wrote, and one that began later', () => {
    const underWay = { ...later, snapshot: '100:110:100' };
    expect(check([lockWrite({ token: 1, xid: '100', snapshot: '100:100:' }), underWay])).toEqual([
      expect.stringMatching(/^L3: holder of 1 wrote with token 1 of one \(transaction 100\)/),
    ]);
    expect(check([later, lockWrite({ token: 1, xid: '120', snapshot: '120:120:' })])).toHaveLength(1);
  });

  it('lets shared holders write side by side', () => {
    const shared = holdNotes.map((note) => ({ ...note, mode: 'shared' as const }));
    expect(check([lockWrite({ token: 1, xid: '120', snapshot: '120:120:' }), later], shared)).toEqual([]);
  });
});
