// Does a caller who waits for a run get its end at once, although ends wait for each other? The clock stands still here, so
// nothing is ever due by itself, and the test plays the database's part.
import { describe, expect, it } from 'vitest';
import type { Membership } from '#cluster/membership/membership.js';
import { databaseOver } from '#database/connection.js';
import { HeldRuns } from '#execution/held/held-runs.js';
import { LaneRulesBook } from '#execution/limits/lane-rules-book.js';
import { SLEEP_MS } from '#kernel/loop.js';
import { claimedRun } from '#test/support/builders.js';
import { Lingering } from './lingering.js';
import { SettleLoop } from './settle-loop.js';

function scene() {
  const sent: string[] = [];
  const query = async (text: string) => {
    sent.push(text);
    return { command: 'SELECT', rows: [{ verdict: 'done', missing: null }], rowCount: 1 };
  };
  const lent = { query, release: () => undefined } as never;
  const db = databaseOver({ connect: async () => lent, end: async () => undefined, options: {} });
  const rules = new LaneRulesBook();
  const held = new HeldRuns({ held: 1_000, running: 100 }, rules);
  const membership = {
    incarnation: { db, replica: 7, uuid: 'u' },
    isDraining: false,
  } as unknown as Membership;
  const clock = { monotonicMs: () => 1_000, now: () => new Date(0) };
  const lingering = new Lingering({ membership, held, rules, clock, isServed: () => true });
  const loop = new SettleLoop(membership, held, lingering);
  let passes = 0;
  loop.pending.subscribe(() => (passes += 1));
  const end = (run = claimedRun()) => {
    const at = new Date(0);
    const transition = { kind: 'finish', outcome: 'succeeded', output: null } as const;
    loop.noteEnd({ run, startedAt: at, finishedAt: at, transition, outputJson: null, lastNote: null });
    return run;
  };
  return { loop, sent, end, passes: () => passes };
}

/** With ends that wait for company. */
async function busy() {
  const all = scene();
  for (let n = 0; n < 100; n += 1) all.end();
  expect(await all.loop.runOnce()).toBe(SLEEP_MS);
  all.sent.length = 0;
  return all;
}

describe('an end that waits for others', () => {
  it('is not written before its time', async () => {
    const { loop, sent, end } = await busy();
    end();
    expect(await loop.runOnce()).toBe(20);
    expect([sent.length, loop.isEmpty]).toEqual([0, false]);
  });

  it('is written in one message when a caller comes for its run', async () => {
    const { loop, sent, end, passes } = await busy();
    const run = end();
    const before = passes();
    loop.awaitEnd(run.id);
    expect(passes()).toBe(before + 1);
    expect(await loop.runOnce()).toBe(SLEEP_MS);
    expect(sent).toEqual([expect.stringContaining('carillon.settle_ends(')]);
  });

  it('waits no more once a caller waits for its run', async () => {
    const { loop, sent, end, passes } = await busy();
    const run = claimedRun();
    loop.awaitEnd(run.id);
    const before = passes();
    end(run);
    expect(passes()).toBe(before + 1);
    expect(await loop.runOnce()).toBe(SLEEP_MS);
    expect(sent).toHaveLength(1);
  });

  it('is written when callers wait at other replicas', async () => {
    const { loop, sent, end } = await busy();
    end();
    loop.awaitEnds(2_000);
    expect(await loop.runOnce()).toBe(SLEEP_MS);
    expect(sent).toHaveLength(1);
  });
});
