// Does the replica always know what it holds? A simple model keeps the same books, and every command is compared.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ClaimId, RunId, TenantId } from '#kernel/ids.js';
import { asId } from '#kernel/ids.js';
import { claimedRun } from '#test/support/builders.js';
import type { ClaimedRun } from '#execution/runs/claimed-run.js';
import type { HeldRun } from './held-run.js';
import { HeldRuns } from './held-runs.js';

const limits = { held: 12, running: 3 };
const tenants = ['tenant a', 'tenant b', 'tenant c'].map(asId.tenant);

/** Holds runs of one claim, due at these moments. */
function holding(...startAtMs: number[]) {
  const held = new HeldRuns(limits);
  const claimId = asId.claim('claim 1');
  const runs = startAtMs.map(() => claimedRun({ claimId }));
  held.add(runs, (run) => startAtMs[runs.indexOf(run)] ?? 0);
  return { held, runs, claimId };
}
const ids = (taken: readonly HeldRun[]): RunId[] => taken.map(({ run }) => run.id);

describe('held runs', () => {
  it('start when they are due, the soonest first, and not a moment before (I6)', () => {
    const { held, runs } = holding(300, 100, 200);
    expect(held.nextStartAtMs()).toBe(100);
    expect(held.takeDue(99)).toEqual([]);
    expect(ids(held.takeDue(200))).toEqual([runs[1]?.id, runs[2]?.id]);
    expect(held.nextStartAtMs()).toBe(300);
  });

  it('start once', () => {
    const { held } = holding(100);
    expect(held.takeDue(100)).toHaveLength(1);
    expect(held.takeDue(100)).toEqual([]);
  });

  it('wait while as many run as may run at once, and go on when one has ended', () => {
    const { held } = holding(100, 101, 102, 103);
    const running = held.takeDue(1_000);
    expect([running.length, held.running, held.nextStartAtMs()]).toEqual([3, 3, null]);
    held.markEnded(running[0] as HeldRun);
    expect([held.running, held.nextStartAtMs()]).toEqual([2, Number.NEGATIVE_INFINITY]);
    expect(held.takeDue(1_000)).toHaveLength(1);
  });

  it('that are due at the same moment start in the order in which they were claimed', () => {
    const { held, runs } = holding(100, 100, 100);
    expect(ids(held.takeDue(100))).toEqual(runs.map(({ id }) => id));
  });

  it('of one tenant start by priority, and tenants take turns', () => {
    const held = new HeldRuns({ held: 12, running: 4 });
    const [big, small] = tenants as [TenantId, TenantId];
    const [low, high, other] = [
      claimedRun({ tenantId: big }),
      claimedRun({ tenantId: big, priority: 9 }),
      claimedRun({ tenantId: small }),
    ];
    held.add([low, high, claimedRun({ tenantId: big }), other], () => 100);
    expect(ids(held.takeDue(100)).slice(0, 3)).toEqual([high.id, other.id, low.id]);
  });

  it('take room until their end is written, not only while they run', () => {
    const { held, runs } = holding(100, 100);
    expect(held.room()).toBe(limits.held - 2);
    for (const running of held.takeDue(100)) held.markEnded(running);
    expect(held.room()).toBe(limits.held - 2);
    held.forget(runs[0] as ClaimedRun);
    expect(held.room()).toBe(limits.held - 1);
  });

  it('that end after everything was dropped change nothing', () => {
    const { held } = holding(100);
    const [late] = held.takeDue(100);
    held.clear();
    held.markEnded(late as HeldRun);
    expect(held.running).toBe(0);
  });

  it('close their claim with the last one that is forgotten, and are forgotten once', () => {
    const { held, runs, claimId } = holding(100, 100);
    expect(runs.map((run) => held.forget(run))).toEqual([false, true]);
    expect([held.leftInClaim(claimId), runs.map((run) => held.forget(run))]).toEqual([0, [false, false]]);
  });
});

describe('a run that was lost in two deaths', () => {
  /** Suspects and others, all due. */
  function holdingLosses(...losses: number[]) {
    const held = new HeldRuns(limits);
    const runs = losses.map((count) => claimedRun({ losses: count }));
    held.add(runs, () => 100);
    return { held, runs };
  }

  it('runs beside others, but never beside another of its kind', () => {
    const { held, runs } = holdingLosses(2, 5, 1, 0);
    const first = held.takeDue(100);
    expect(ids(first)).toEqual([runs[0], runs[2], runs[3]].map((run) => run?.id));
    expect(held.takeDue(100)).toEqual([]);
    held.markEnded(first[1] as HeldRun);
    expect([held.nextStartAtMs(), held.takeDue(100)]).toEqual([null, []]);
    held.markEnded(first[0] as HeldRun);
    expect(ids(held.takeDue(100))).toEqual([runs[1]?.id]);
  });

  it('takes a place like any other', () => {
    const { held } = holdingLosses(0, 0, 0, 2);
    held.takeDue(100);
    expect(held.running).toBe(limits.running);
  });
});

interface Entry {
  readonly run: ClaimedRun;
  readonly startAtMs: number;
  state: 'waiting' | 'running' | 'ended';
}
interface Model {
  entries: Entry[];
  claims: ClaimId[];
  /** What the replica still has in hand of runs that it has started. */
  started: HeldRun[];
  /** It never goes back. */
  nowMs: number;
}
type Command = fc.Command<Model, HeldRuns>;

const inState = ({ entries }: Model, state: Entry['state']) =>
  entries.filter((entry) => entry.state === state);
const entryOf = ({ entries }: Model, id: RunId) => entries.find(({ run }) => run.id === id);

const isSuspect = ({ run }: Entry): boolean => run.losses >= 2;

/** What waits for nothing but its time, the soonest first: of the suspects one at most, and none while another runs. */
function startable(model: Model): Entry[] {
  const waiting = inState(model, 'waiting').toSorted((a, b) => a.startAtMs - b.startAtMs);
  const suspect = inState(model, 'running').some(isSuspect) ? undefined : waiting.find(isSuspect);
  return waiting.filter((entry) => !isSuspect(entry) || entry === suspect);
}

/** Compares everything that can be asked, after every command. */
function compare(model: Model, held: HeldRuns): void {
  expect(held.size).toBe(model.entries.length);
  expect(held.running).toBe(inState(model, 'running').length);
  expect(held.room()).toBe(limits.held - model.entries.length);
  const next = startable(model).at(0);
  const isFull = held.running >= limits.running;
  const nextStartAtMs = held.nextStartAtMs();
  expect(nextStartAtMs === null).toBe(isFull || next === undefined);
  // What was due before and found no room is due since ever.
  if (nextStartAtMs !== null) expect(nextStartAtMs).toBeLessThanOrEqual(next?.startAtMs ?? Number.NaN);
  for (const claim of model.claims) {
    expect(held.leftInClaim(claim)).toBe(model.entries.filter(({ run }) => run.claimId === claim).length);
  }
  const idsOf = (wanted: readonly TenantId[]): RunId[] =>
    model.entries.filter(({ run }) => wanted.includes(run.tenantId)).map(({ run }) => run.id);
  for (const wanted of [tenants, tenants.slice(0, 1), []]) {
    const lanes = wanted.map((tenantId) => ({ tenantId, lane: 'default/noop', after: null }));
    expect(held.idsBehind(lanes).toSorted()).toEqual(idsOf(wanted).toSorted());
  }
}

const command = (
  name: string,
  check: (model: Model) => boolean,
  act: (model: Model, held: HeldRuns) => void,
): Command => ({
  check,
  run: (model, held) => {
    act(model, held);
    compare(model, held);
  },
  toString: () => name,
});
const always = () => true;
const add = (wanted: readonly { tenant: number; losses: number; startAtMs: number }[]): Command =>
  command(
    `add(${wanted.map(({ startAtMs }) => startAtMs).join(', ')})`,
    ({ entries }) => entries.length + wanted.length <= limits.held,
    (model, held) => {
      const claimId = asId.claim(`claim ${model.claims.length}`);
      const entries = wanted.map(({ tenant, losses, startAtMs }): Entry => {
        const tenantId = tenants[tenant % tenants.length] as TenantId; // there are some
        return { run: claimedRun({ claimId, tenantId, losses }), startAtMs, state: 'waiting' };
      });
      model.claims.push(claimId);
      model.entries.push(...entries);
      held.add(
        entries.map(({ run }) => run),
        (run) => entryOf(model, run.id)?.startAtMs ?? Number.NaN,
      );
    },
  );

const takeDue = (momentMs: number): Command =>
  command(`takeDue(${momentMs})`, always, (model, held) => {
    const nowMs = Math.max(model.nowMs, momentMs);
    model.nowMs = nowMs;
    const due = startable(model).filter(({ startAtMs }) => startAtMs <= nowMs);
    const free = limits.running - inState(model, 'running').length;
    const taken = held.takeDue(nowMs);
    expect(taken).toHaveLength(Math.min(free, due.length));
    const takenIds = new Set(ids(taken));
    expect(due.filter(({ run }) => takenIds.has(run.id))).toHaveLength(taken.length);
    // A suspect goes first, or a backlog would keep it from ever being cleared.
    const suspect = due.find(isSuspect);
    if (suspect !== undefined && free > 0) expect(taken[0]?.run.id).toBe(suspect.run.id);
    for (const tenant of tenants) {
      const inTurn = model.entries.filter(
        (entry) => due.includes(entry) && entry.run.tenantId === tenant && !isSuspect(entry),
      );
      const takenOfTenant = inTurn.filter(({ run }) => takenIds.has(run.id));
      expect(takenOfTenant).toEqual(inTurn.slice(0, takenOfTenant.length));
    }
    for (const started of taken) {
      const entry = entryOf(model, started.run.id);
      expect([entry?.state, started.state]).toEqual(['waiting', 'running']);
      if (entry !== undefined) entry.state = 'running';
      model.started.push(started);
    }
  });

const takeWaiting = (): Command =>
  command('takeWaiting()', always, (model, held) => {
    const waiting = inState(model, 'waiting');
    const taken = held.takeWaiting();
    expect(new Set(ids(taken))).toEqual(new Set(waiting.map(({ run }) => run.id)));
    for (const entry of waiting) entry.state = 'ended';
  });

const end = (which: number): Command =>
  command(
    `markEnded(${which})`,
    ({ started }) => started.length > 0,
    (model, held) => {
      const [started] = model.started.splice(which % model.started.length, 1);
      if (started === undefined) return;
      held.markEnded(started);
      const entry = entryOf(model, started.run.id);
      if (entry !== undefined) entry.state = 'ended';
    },
  );

const forget = (which: number): Command =>
  command(
    `forget(${which})`,
    (model) => inState(model, 'ended').length > 0,
    (model, held) => {
      const ended = inState(model, 'ended');
      const gone = ended[which % ended.length] as Entry; // there is one, by the check
      model.entries = model.entries.filter((entry) => entry !== gone);
      const isLast = !model.entries.some(({ run }) => run.claimId === gone.run.claimId);
      expect(held.forget(gone.run)).toBe(isLast);
      expect(held.forget(gone.run)).toBe(false);
    },
  );

const clear = (): Command =>
  command('clear()', always, (model, held) => {
    held.clear();
    model.entries = [];
    model.started = [];
  });

describe('whatever happens to held runs', () => {
  const moments = fc.nat(20);
  const claims = fc.array(fc.record({ tenant: fc.nat(2), losses: fc.nat(3), startAtMs: moments }), {
    minLength: 1,
    maxLength: 5,
  });

  it('the books are right: what is held, what runs, what room is left, and what each claim and tenant has', () => {
    const commands = fc.commands(
      [
        claims.map(add),
        moments.map(takeDue),
        moments.map(takeDue),
        fc.nat(20).map(end),
        fc.nat(20).map(forget),
        fc.nat(20).map(forget),
        fc.constant(takeWaiting()),
        fc.constant(clear()),
      ],
      { maxCommands: 60 },
    );
    fc.assert(
      fc.property(commands, (sequence) => {
        const setup = (): { model: Model; real: HeldRuns } => ({
          model: { entries: [], claims: [], started: [], nowMs: 0 },
          real: new HeldRuns(limits),
        });
        fc.modelRun(setup, sequence);
      }),
      { numRuns: 200 },
    );
  });
});
