import { describe, expect, it } from 'vitest';
import { checkLines } from './line-check.js';
import { acquisition, faultAt, holdNote, waitNote } from './lock-samples.js';

const calm = { faults: [], stalls: [], troubles: [], readAtMs: 100_000 };
const check = (
  {
    holdNotes = [],
    waitNotes = [],
  }: Partial<Pick<Parameters<typeof checkLines>[1], 'holdNotes' | 'waitNotes'>>,
  around: Partial<typeof calm> | Pick<Parameters<typeof checkLines>[2], 'faults'> = {},
  lines: Parameters<typeof checkLines>[0] = [],
) => checkLines(lines, { holdNotes, waitNotes, writes: [], gone: [] }, { ...calm, ...around });

const held = holdNote({ token: 1, holder: 'a', atMs: 10_000 });
const released = holdNote({ ...held, op: 'delete', atMs: 11_000 });
const waits = waitNote({ ticket: 5, holder: 'b', atMs: 10_500 });
/** In one transaction with its acquisition. */
const served = (atMs: number, place = waits, token = 2) => ({
  wait: { ...place, op: 'delete' as const, xid: `served ${place.ticket}`, atMs },
  hold: holdNote({ token, holder: place.holder, xid: `served ${place.ticket}`, atMs: atMs + 1 }),
});

describe('L4: no lock lies idle while a line waits for it', () => {
  const after = (ms: number) => {
    const { wait, hold } = served(11_000 + ms);
    return { holdNotes: [held, released, hold], waitNotes: [waits, wait] };
  };

  it('finds nothing where the first in line is served soon', () => {
    expect(check(after(300))).toEqual([]);
  });

  it('refuses one that was not served after the release', () => {
    expect(check(after(4_000))).toEqual([expect.stringMatching(/^L4: one lay idle for 4000 ms/)]);
  });

  it('refuses one that was not served after the end of the lease, and lets the lease last', () => {
    const { wait, hold } = served(13_000 + 2_500);
    expect(check({ holdNotes: [held, hold], waitNotes: [waits, wait] })).toEqual([]);
    const late = served(13_000 + 3_500);
    expect(check({ holdNotes: [held, late.hold], waitNotes: [waits, late.wait] })).toHaveLength(1);
  });

  it('does not call it idle while the first in line wants another lock, too', () => {
    const other = holdNote({ token: 3, lock: 'two', holder: 'c', atMs: 10_000, expiresAtMs: 15_000 });
    const both = [waits, { ...waits, lock: 'two' }];
    const { wait, hold } = served(15_100);
    const waitNotes = [...both, wait, { ...wait, lock: 'two' }];
    const holdNotes = [held, released, other, hold, { ...hold, token: 4, lock: 'two' }];
    expect(check({ holdNotes, waitNotes })).toEqual([]);
  });

  it('does not call it idle while no replica answers the first in line', () => {
    const between = { ...waits, op: 'update' as const, atMs: 10_900, replica: null, untilMs: 15_900 };
    expect(check({ holdNotes: [held, released], waitNotes: [waits, between] })).toEqual([]);
  });

  it('counts permits', () => {
    const permits = { lock: 'pool', mode: 'permits' as const };
    const taken = holdNote({
      ...permits,
      permits: 2,
      token: 1,
      holder: 'a',
      atMs: 10_000,
      expiresAtMs: 20_000,
    });
    const wants = (count: number) =>
      waitNote({ ...permits, permits: count, ticket: 5, holder: 'b', atMs: 10_500 });
    expect(check({ holdNotes: [taken], waitNotes: [wants(2)] })).toEqual([]);
    expect(check({ holdNotes: [taken], waitNotes: [wants(1)] })).toHaveLength(1);
  });

  it('lets a fault and a busy machine be the reason, but no longer than they last', () => {
    expect(check(after(4_000), { faults: [faultAt(11_000, 12_000)] })).toEqual([]);
    expect(check(after(4_000), { faults: [faultAt(50_000, 51_000)] })).toHaveLength(1);
    const stall = { ...calm, stalls: [{ fromMs: 11_500, toMs: 13_500 }] };
    const { wait, hold } = served(15_000);
    const tables = { holdNotes: [held, released, hold], waitNotes: [waits, wait], writes: [], gone: [] };
    expect(checkLines([], tables, stall)).toEqual([]);
  });
});

describe('L4: no user is forgotten', () => {
  const waited = acquisition('p1.0/1', { token: 1, fromMs: 5_001, toMs: 6_000 }).map((line) =>
    line.kind === 'asked' ? { ...line, atMs: 1_000, user: 'p1.0' } : line,
  );
  /** Of another, long before. */
  const past = holdNote({ token: 9, holder: 'z', atMs: 0, expiresAtMs: 500 });
  const begun = [past];

  it('refuses one that waits, in no line, for a lock that is free', () => {
    expect(check({ holdNotes: begun }, {}, waited)).toEqual([
      expect.stringMatching(/^L4: p1\.0\/1 waited for one, which was free for 4001 ms/),
    ]);
  });

  it('finds nothing where the lock is held', () => {
    expect(check({ holdNotes: [{ ...past, expiresAtMs: 4_000 }] }, {}, waited)).toEqual([]);
  });

  it('lets one be that is cut off', () => {
    const cut = (process: string) => [{ kind: 'deaf' as const, process, fromMs: 500, toMs: 3_000 }];
    const tables = { holdNotes: begun, waitNotes: [], writes: [], gone: [] };
    expect(checkLines(waited, tables, { ...calm, troubles: cut('p1') })).toEqual([]);
    expect(checkLines(waited, tables, { ...calm, troubles: cut('p2') })).toHaveLength(1);
  });
});

describe('L4: a line keeps its order', () => {
  const second = waitNote({ ticket: 6, holder: 'c', atMs: 10_600 });
  const inTurn = served(11_100);
  const overtakes = served(11_100, second, 2);
  const thenFirst = served(13_000, waits, 3);

  it('finds nothing where the first is served first', () => {
    const then = served(14_200, second, 3);
    const waitNotes = [waits, second, inTurn.wait, then.wait];
    expect(check({ holdNotes: [held, released, inTurn.hold, then.hold], waitNotes })).toEqual([]);
  });

  it('refuses a second that is served before the first', () => {
    const tables = {
      holdNotes: [
        held,
        released,
        overtakes.hold,
        { ...overtakes.hold, op: 'delete' as const, atMs: 12_000 },
        thenFirst.hold,
      ],
      waitNotes: [waits, second, overtakes.wait, thenFirst.wait],
    };
    expect(check(tables)).toEqual([expect.stringMatching(/^L4: one went to c .* before b, .* ticket 5$/)]);
    expect(check(tables, { faults: [faultAt(11_000, 12_000)] })).toEqual([]);
  });

  it('refuses one that never stood in line', () => {
    const intruder = holdNote({ token: 2, holder: 'd', atMs: 11_100, expiresAtMs: 12_000 });
    expect(
      check({ holdNotes: [held, released, intruder, thenFirst.hold], waitNotes: [waits, thenFirst.wait] }),
    ).toHaveLength(1);
  });

  it('lets those go first who could not be told apart from the first', () => {
    const ended = { ...waits, op: 'delete' as const, atMs: 11_900 };
    expect(
      check({
        holdNotes: [held, released, overtakes.hold],
        waitNotes: [waits, second, overtakes.wait, ended],
      }),
    ).toEqual([]);
  });

  it('lets one be passed whose replica is gone, and no sooner', () => {
    const tables = {
      holdNotes: [held, released, overtakes.hold],
      waitNotes: [waits, second, overtakes.wait],
    };
    const found = (gone: { replica: number; atMs: number }) =>
      checkLines([], { ...tables, writes: [], gone: [gone] }, calm);
    expect(found({ replica: 1, atMs: 11_050 })).not.toContainEqual(
      expect.stringMatching(/^L4: one went to c/),
    );
    for (const gone of [
      { replica: 1, atMs: 11_200 },
      { replica: 2, atMs: 11_050 },
    ])
      expect(found(gone)).toContainEqual(expect.stringMatching(/^L4: one went to c/));
  });
});
