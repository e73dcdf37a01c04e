import { describe, expect, it } from 'vitest';
import { checkEnd, checkRunHolds } from './lock-check.js';
import { holdNote } from './lock-samples.js';

const gone = { lines: [], troubles: [], goneAtMs: 50_000, ownEnds: [] };
const probe = (status: number, atMs = 65_000) => [{ lock: 'one', status, atMs }];

describe('L5: when its users are gone, each lock is free within its lease', () => {
  it('finds nothing where the last lease ends in time, and strangers get the locks', () => {
    const last = holdNote({ token: 1, holder: 'a', atMs: 50_500, expiresAtMs: 53_500 });
    expect(checkEnd({ ...gone, probes: probe(200) }, [last])).toEqual([]);
  });

  it('refuses a hold that lasts', () => {
    const last = holdNote({ token: 1, holder: 'a', atMs: 52_000, expiresAtMs: 55_000 });
    expect(checkEnd({ ...gone, probes: probe(200) }, [last])).toEqual([
      'L5: one stays held by a until 5000 ms after all of its users were gone',
    ]);
    const released = { ...last, op: 'delete' as const, atMs: 52_100 };
    expect(checkEnd({ ...gone, probes: probe(200) }, [last, released])).toEqual([]);
  });

  it('refuses a lock that a stranger does not get', () => {
    expect(checkEnd({ ...gone, probes: probe(409) }, [])).toEqual([
      'L5: one was refused with 409, 15000 ms after all of its users were gone',
    ]);
  });

  it('judges nothing where there were no users', () => {
    expect(checkEnd({ ...gone, goneAtMs: null, probes: [] }, [])).toEqual([]);
  });
});

describe('L5: a hold of a run ends with its attempt', () => {
  const held = holdNote({ lock: 'book', token: 1, holder: 'run a/2', atMs: 1, expiresAtMs: Infinity });

  it('finds nothing while the attempt is open, or when it has let go', () => {
    expect(checkRunHolds([held], [{ id: 'a', attempt: 2 }])).toEqual([]);
    expect(checkRunHolds([held, { ...held, op: 'delete' }], [])).toEqual([]);
  });

  it.each([[[]], [[{ id: 'a', attempt: 3 }]]])('refuses one of an attempt that is over: %j', (open) => {
    expect(checkRunHolds([held], open)).toEqual(['L5: book stays held by run a/2, whose attempt is over']);
  });

  it('is no matter of the leases of callers', () => {
    expect(checkEnd({ ...gone, probes: [] }, [held])).toEqual([]);
  });
});
