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
const ids = (taken: readonly HeldRun[]): RunId[] => taken.map(({ run }) => run.id);

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
      const { claimId } = gone.run;
      const left = model.entries.filter(({ run }) => run.claimId === claimId).length;
      for (const time of [1, 2]) {
        held.forget(gone.run);
        expect(held.leftInClaim(claimId), `forgotten ${time} times`).toBe(left);
      }
    },
  );

const clear = (): Command =>
  command('clear()', always, (model, held) => {
    held.clear();
    model.entries = [];
    model.started = [];
  });

describe('held runs, through any acts', () => {
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
