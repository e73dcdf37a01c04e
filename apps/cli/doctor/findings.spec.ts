// Is what is wrong with a database called wrong, and nothing else?
import { describe, expect, it } from 'vitest';
import { findingsOf, type Seen } from './findings.js';

const healthy: Seen = {
  server: {
    versionNumber: 180_004,
    version: '18.4',
    maxConnections: 100,
    reservedConnections: 3,
    usedConnections: 30,
    ourConnections: 24,
    isStandby: false,
    settings: {
      fsync: 'on',
      full_page_writes: 'on',
      synchronous_commit: 'on',
      autovacuum: 'on',
      track_counts: 'on',
    },
    unendableSessions: 0,
    seesOthers: true,
    now: new Date(0),
  },
  unfit: null,
  pending: [],
  holders: [],
  clockOffMs: 3,
  clockErrorMs: 1,
  warnAfterMs: 30_000,
  perReplica: 15,
  replicas: 3,
  advice: null,
};
const server = (wish: Partial<Seen['server']>): Partial<Seen> => ({ server: { ...healthy.server, ...wish } });
const set = (name: string): Partial<Seen> =>
  server({ settings: { ...healthy.server.settings, [name]: 'off' } });
const holder = (kind: 'session' | 'prepared' | 'slot', ageMs: number | null): Partial<Seen> => ({
  holders: [
    {
      kind,
      xmin: '7',
      pid: 42,
      application: 'report',
      user: 'analyst',
      state: 'idle in transaction',
      name: 'left-behind',
      queryStartedAt: new Date(0),
      ageMs,
    },
  ],
});

describe('the doctor', () => {
  it('has nothing to say against a healthy database', () => {
    expect(findingsOf(healthy).map(({ level }) => level)).not.toContain('warning');
    expect(findingsOf(healthy).map(({ level }) => level)).not.toContain('problem');
  });

  it.each<[string, 'warning' | 'problem', Partial<Seen>]>([
    [
      'expected PostgreSQL 15 or newer, got 14.9',
      'problem',
      server({ versionNumber: 140_009, version: '14.9' }),
    ],
    ['a pooler in between', 'problem', { unfit: 'expected a direct connection, got a pooler in between' }],
    ['0011_storage', 'warning', { pending: ['0011_storage'] }],
    // 100 - 3 - 80, of which the living three may still open 21.
    ['4 connections too few', 'problem', server({ usedConnections: 80 })],
    ['6 connections are left, and one more replica may need 15', 'warning', server({ usedConnections: 70 })],
    ['fsync is off', 'problem', set('fsync')],
    ['synchronous_commit is off', 'problem', set('synchronous_commit')],
    ['autovacuum is off', 'problem', set('autovacuum')],
    ['full_page_writes is off', 'warning', set('full_page_writes')],
    ["2000 ms behind the server's, give or take 1 ms", 'warning', { clockOffMs: -2_000 }],
    ['grant pg_signal_backend', 'warning', server({ unendableSessions: 6 })],
    ['grant pg_read_all_stats', 'warning', server({ seesOthers: false })],
    ['pid 42 (report, user analyst, idle in transaction', 'warning', holder('session', 30_000)],
    [
      'prepared transaction left-behind of analyst keeps dead rows for 90 s',
      'warning',
      holder('prepared', 90_000),
    ],
    ['replication slot left-behind', 'warning', holder('slot', null)],
    ['set CARILLON_URL', 'warning', { advice: 'set CARILLON_URL to where this replica is reached' }],
  ])('says "%s"', (text, level, wrong) => {
    const bad = findingsOf({ ...healthy, ...wrong }).filter((finding) => finding.level !== 'ok');
    expect(bad).toEqual([{ level, text: expect.stringContaining(text) }]);
  });

  it('leaves young transactions alone', () => {
    expect(
      findingsOf({ ...healthy, ...holder('session', 29_999) }).every(({ level }) => level === 'ok'),
    ).toBe(true);
  });
});
