// Do hints arrive as they were meant, and few enough not to matter to the database?
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { databaseOver, type Database } from '#database/connection.js';
import { asId } from '#kernel/ids.js';
import { SLEEP_MS } from '#kernel/loop.js';
import { FakeClock } from '#test/support/fake-clock.js';
import { HintsLoop, parseHint, type Hint } from './hints-loop.js';
import type { Membership } from '#cluster/membership/membership.js';

/** Longer than the pace could ask for. */
const A_WHILE_MS = 10_000;
const slots = (...numbers: number[]) => numbers.map(asId.slot);

let clock: FakeClock;
/** Null while there is no control session. */
let controlDb: Database | null;
let sent: string[];
/** Transactions that sent them. */
let notifications: number;
let hints: HintsLoop;

beforeEach(() => {
  clock = new FakeClock();
  sent = [];
  notifications = 0;
  controlDb = databaseThatHears((payload) => sent.push(payload));
  hints = hintsOf(40);
});

function hintsOf(perSecond: number): HintsLoop {
  // The loop uses nothing else of its membership.
  const membership = { controlDb: () => controlDb } as unknown as Membership;
  return new HintsLoop(membership, clock, perSecond);
}

/** Takes the payload of each pg_notify, and knows no other statement. */
function databaseThatHears(hear: (payload: string) => void): Database {
  const query = async (text: string, [, payloads]: readonly unknown[] = []) => {
    expect(text).toContain('pg_notify');
    notifications += 1;
    for (const payload of payloads as string[]) hear(payload);
    return { command: 'SELECT', rowCount: 0, rows: [] };
  };
  // A pool's client has many more methods, of which Kysely calls these two.
  const client = { query, release: () => undefined } as never;
  return databaseOver({ connect: async () => client, end: async () => undefined, options: {} });
}

describe('a hint', () => {
  it.each<Hint>([
    { kind: 'term' },
    { kind: 'term', to: asId.replica(7) },
    { kind: 'slots' },
    { kind: 'plan' },
    { kind: 'cancel' },
    { kind: 'offers' },
    { kind: 'locks' },
    { kind: 'locks', to: asId.replica(7) },
    { kind: 'work', slots: slots(3) },
    { kind: 'work', slots: slots(0, 17, 1023) },
  ])('comes back from its payload: %o', async (hint) => {
    hints.send(hint);
    await hints.runOnce();
    expect(sent.map(parseHint)).toEqual([hint]);
  });

  it('is told to whoever listens, wherever it was sent', () => {
    const received: Hint[] = [];
    hints.received.subscribe((hint) => received.push(hint));
    hints.onHinted('work:3,17');
    hints.onHinted('plan');
    expect(received).toEqual([{ kind: 'work', slots: slots(3, 17) }, { kind: 'plan' }]);
  });

  it('without slots means all of them', () => {
    expect(parseHint('work:')).toEqual({ kind: 'work', slots: [] });
  });

  it('that is not understood means to look everywhere, and is never an error', () => {
    const known = /^(term|slots|plan|cancel|offers|locks)$|\d/;
    fc.assert(
      fc.property(
        fc.string().filter((text) => !known.test(text)),
        (payload) => {
          expect(parseHint(payload)).toEqual({ kind: 'work', slots: [] });
        },
      ),
    );
  });

  it('that is not understood means to look everywhere even if it holds numbers', () => {
    expect(parseHint('quota:3,17')).toEqual({ kind: 'work', slots: [] });
  });

  it('names nothing but whole slots', () => {
    expect(parseHint('work:3,-1,4.5,,x,0x2, 7,8')).toEqual({ kind: 'work', slots: slots(3, 8) });
  });

  it('says "everywhere" instead of naming more than 200 slots', async () => {
    hints.send({ kind: 'work', slots: Array.from({ length: 200 }, (_, slot) => asId.slot(slot)) });
    await hints.runOnce();
    clock.advance(A_WHILE_MS);
    hints.send({ kind: 'work', slots: Array.from({ length: 201 }, (_, slot) => asId.slot(slot)) });
    await hints.runOnce();
    expect(sent.map((payload) => payload.split(',').length)).toEqual([200, 1]);
    expect(sent[1]).toBe('work:');
  });
});

describe('hints', () => {
  it('wait for a pass, and ask for one', async () => {
    let asked = 0;
    hints.pending.subscribe(() => (asked += 1));
    hints.send({ kind: 'plan' });
    expect([sent, asked]).toEqual([[], 1]);
    expect(await hints.runOnce()).toBe(SLEEP_MS);
    expect(sent).toEqual(['plan']);
  });

  it('are sent once, however often the same is said', async () => {
    for (const slot of [3, 17, 3, 3]) hints.send({ kind: 'work', slots: slots(slot) });
    for (let times = 0; times < 3; times += 1) hints.send({ kind: 'plan' });
    await hints.runOnce();
    expect(sent).toEqual(['plan', 'work:3,17']);
    clock.advance(A_WHILE_MS);
    await hints.runOnce();
    expect(sent).toHaveLength(2);
  });

  it('go at once, and after half of what may go in a second they wait and go together', async () => {
    hints = hintsOf(4);
    for (const slot of [1, 2]) {
      hints.send({ kind: 'work', slots: slots(slot) });
      expect(await hints.runOnce()).toBe(SLEEP_MS);
    }
    hints.send({ kind: 'work', slots: slots(3) });
    expect(await hints.runOnce()).toBe(500);
    clock.advance(499);
    hints.send({ kind: 'work', slots: slots(4) });
    hints.send({ kind: 'plan' });
    expect(await hints.runOnce()).toBe(1);
    expect(sent).toEqual(['work:1', 'work:2']);
    clock.advance(1);
    expect(await hints.runOnce()).toBe(SLEEP_MS);
    expect(sent).toEqual(['work:1', 'work:2', 'plan', 'work:3,4']);
    expect(notifications).toBe(3);
  });

  it('are never more transactions a second than set, however many are asked for', async () => {
    hints = hintsOf(10);
    for (let ms = 0; ms < 3_000; ms += 1) {
      hints.send({ kind: 'work', slots: slots(ms % 1_024) });
      hints.send({ kind: 'plan' });
      await hints.runOnce();
      clock.advance(1);
    }
    expect(notifications).toBeGreaterThan(15);
    expect(notifications).toBeLessThanOrEqual(20);
  });

  it('of released locks go five times as often, and take the others along', async () => {
    hints = hintsOf(4);
    const sendAtOnce = async (hint: Hint): Promise<number> => {
      for (let count = 0; ; count += 1) {
        hints.send(hint);
        if ((await hints.runOnce()) < SLEEP_MS) return count;
      }
    };
    expect(await sendAtOnce({ kind: 'plan' })).toBe(2);
    hints.send({ kind: 'locks', to: asId.replica(7) });
    expect(await hints.runOnce()).toBe(100);
    clock.advance(100);
    await hints.runOnce();
    expect(sent.slice(2)).toEqual(['plan', 'locks:7']);
    clock.advance(A_WHILE_MS);
    expect(await sendAtOnce({ kind: 'locks' })).toBe(10);
  });

  it('are told to this replica alone when none may be sent', async () => {
    hints = hintsOf(0);
    const received: Hint[] = [];
    hints.received.subscribe((hint) => received.push(hint));
    hints.send({ kind: 'plan' });
    expect(await hints.runOnce()).toBe(SLEEP_MS);
    expect([received, sent]).toEqual([[{ kind: 'plan' }], []]);
  });

  it('go at once when the last ones are long ago', async () => {
    hints.send({ kind: 'term' });
    await hints.runOnce();
    clock.advance(A_WHILE_MS);
    hints.send({ kind: 'slots' });
    await hints.runOnce();
    expect(sent).toEqual(['term', 'slots']);
  });

  it('are kept while there is no control session', async () => {
    const before = controlDb;
    controlDb = null;
    hints.send({ kind: 'work', slots: slots(5) });
    expect(await hints.runOnce()).toBe(SLEEP_MS);
    controlDb = before;
    await hints.runOnce();
    expect(sent).toEqual(['work:5']);
  });

  it('cost nothing when there are none', async () => {
    expect(await hints.runOnce()).toBe(SLEEP_MS);
    expect(sent).toEqual([]);
  });
});
