// What may happen to a schedule, as fast-check draws it: requests, outages, and time that passes. All due times lie on
// whole seconds, requests come 300 ms behind one and the leader's passes 700 ms, so that no two things happen at one instant
// whose order would be left to chance. The end of a pause lies on a whole second: whether it is inclusive is part of what
// is compared.
import fc from 'fast-check';
import type { CatchUp } from '#scheduling/decisions/catch-up.js';

export const BASE_MS = Date.UTC(2031, 0, 1, 8);

/** A rule that both sides can read: the product through its spec, the reference by looking at a second. */
export type RuleWish =
  | { kind: 'every'; seconds: number; phase: number }
  /** Cron with seconds: each so many of a minute. */
  | { kind: 'cron'; step: number }
  /** At these seconds from when it was given; some may have passed. */
  | { kind: 'at'; offsets: readonly number[] };

export interface SpecWish {
  /** Several are one `anyOf`. */
  rules: readonly RuleWish[];
  /** In seconds from when it was given. */
  startIn: number | null;
  endIn: number | null;
  maxFires: number | null;
}

export type Deed =
  | { kind: 'nothing' | 'suspend' | 'unsuspend' | 'delete' }
  | { kind: 'pause'; seconds: number | null }
  | { kind: 'resume'; catchUp: boolean }
  | { kind: 'skip'; count: number }
  | { kind: 'spec'; spec: SpecWish }
  | { kind: 'policy'; catchUp: CatchUp };

/** One deed, and so many seconds of time, in which the leader may be away, or all replicas. */
export interface Step {
  deed: Deed;
  seconds: number;
  away: 'none' | 'leader' | 'all';
}

/** So many eighths of the jitter is what the schedule's id makes of it. */
export interface JitterWish {
  seconds: number;
  eighths: number;
}

export interface History {
  spec: SpecWish;
  catchUp: CatchUp;
  jitter: JitterWish | null;
  /** How many unfinished runs the tenant may have; null for any number. */
  maxQueued: number | null;
  steps: readonly Step[];
}

const rule: fc.Arbitrary<RuleWish> = fc.oneof(
  fc.record({
    kind: fc.constant('every' as const),
    seconds: fc.integer({ min: 1, max: 40 }),
    phase: fc.integer({ min: -60, max: 0 }),
  }),
  fc.record({ kind: fc.constant('cron' as const), step: fc.constantFrom(1, 4, 7, 15, 30) }),
  fc.record({
    kind: fc.constant('at' as const),
    offsets: fc.uniqueArray(fc.integer({ min: -20, max: 150 }), { minLength: 1, maxLength: 8 }),
  }),
);
const spec: fc.Arbitrary<SpecWish> = fc.oneof(
  {
    weight: 3,
    arbitrary: rule.map((only) => ({ rules: [only], startIn: null, endIn: null, maxFires: null })),
  },
  fc.record({
    rules: fc.array(rule, { minLength: 1, maxLength: 3 }),
    startIn: fc.option(fc.integer({ min: -30, max: 40 })),
    endIn: fc.option(fc.integer({ min: 41, max: 200 })),
    maxFires: fc.option(fc.integer({ min: 1, max: 40 })),
  }),
);
const withinSeconds = fc.integer({ min: 1, max: 120 });
const catchUp: fc.Arbitrary<CatchUp> = fc.oneof(
  fc.constant({ mode: 'none' as const }),
  fc.record({ mode: fc.constant('latest' as const), withinSeconds }),
  fc.record({ mode: fc.constant('all' as const), withinSeconds, max: fc.integer({ min: 1, max: 6 }) }),
);
const deed: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 3, arbitrary: fc.constant({ kind: 'nothing' as const }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('pause' as const),
      seconds: fc.option(fc.integer({ min: 1, max: 40 })),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('resume' as const), catchUp: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('skip' as const), count: fc.integer({ min: 1, max: 5 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('spec' as const), spec }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('policy' as const), catchUp }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'suspend' as const }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'unsuspend' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'delete' as const }) },
);
const any: fc.Arbitrary<History> = fc.record({
  spec,
  catchUp,
  jitter: fc.option(
    fc.record({ seconds: fc.integer({ min: 1, max: 30 }), eighths: fc.integer({ min: 0, max: 7 }) }),
    { freq: 2 },
  ),
  maxQueued: fc.option(fc.integer({ min: 1, max: 12 }), { freq: 2 }),
  steps: fc.array(
    fc.record({
      deed,
      seconds: fc.integer({ min: 1, max: 45 }),
      away: fc.constantFrom('none' as const, 'none' as const, 'leader' as const, 'all' as const),
    }),
    { minLength: 1, maxLength: 14 },
  ),
});

/**
 * The planner gives places without a look at the ledger, so a due time that was skipped on request takes one from a later
 * due time for as long as its pass lasts. How long that is follows from where the planner is, which the reference has not:
 * so no history has both.
 */
export const histories = any.map((history): History => {
  if (history.maxQueued === null) return history;
  const steps = history.steps.map((step) =>
    step.deed.kind === 'skip' ? { ...step, deed: { kind: 'nothing' as const } } : step,
  );
  return { ...history, steps };
});

/** What plays a history: the product's decisions, or the reference. */
export interface Player {
  /** Owners are there: what waits and is due starts. */
  start(nowMs: number): void;
  /** The leader is there: it plans, and decides what it finds behind it. */
  lead(nowMs: number): void;
  /** What became of each due time, by its instant: `outcome (reason)`. */
  ledger(): Map<number, string>;
}

export interface Actor extends Player {
  /** Whether the request was taken. */
  act(deed: Deed, nowMs: number): boolean;
}

export interface Witness extends Player {
  act(deed: Deed, nowMs: number, wasDone: boolean): void;
}

const DEED_MS = 300;
const LEAD_MS = 700;
/** So that nothing of the past is undecided in the end. */
const SETTLES_SECONDS = 15;

export function play(actor: Actor, witness: Witness, { steps }: Pick<History, 'steps'>): void {
  let atMs = BASE_MS;
  const settle: Step = { deed: { kind: 'nothing' }, seconds: SETTLES_SECONDS, away: 'none' };
  for (const { deed, seconds, away } of [...steps, settle]) {
    for (let second = 0; second < seconds; second += 1) {
      const players = [actor, witness];
      // The request needs a replica.
      if (away !== 'all' || second === 0) for (const player of players) player.start(atMs);
      if (second === 0) witness.act(deed, atMs + DEED_MS, actor.act(deed, atMs + DEED_MS));
      if (away === 'none') for (const player of players) player.lead(atMs + LEAD_MS);
      atMs += 1_000;
    }
  }
}
