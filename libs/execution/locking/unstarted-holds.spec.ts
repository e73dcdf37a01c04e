// Does a run that holds its locks and does not start keep them from no other?
import { describe, expect, it } from 'vitest';
import type { HeldRun } from '#execution/held/held-run.js';
import { UnstartedHolds } from './unstarted-holds.js';

const laneOf = ({ turn }: HeldRun) => String(Math.floor(turn / 10));
/** Ten of each lane. */
const held = (turn: number, state: HeldRun['state'] = 'waiting'): HeldRun => ({ turn, state }) as HeldRun;

describe('a run that was asked for and has not started', () => {
  const [one, other, elsewhere] = [held(1), held(2), held(11)];
  const holds = new UnstartedHolds();
  holds.noteAsked([one, elsewhere], 0);

  it('keeps its locks while only other lanes are asked for', () => {
    expect(holds.astray([held(21)], { laneOf, nowMs: 1_999 })).toEqual([]);
  });

  it('keeps them when it is asked for as the first of its lane', () => {
    expect(holds.astray([one, other], { laneOf, nowMs: 1_999 })).toEqual([]);
  });

  it('gives them back to another that is the first by now, whether it is asked for itself or not', () => {
    expect(holds.astray([other], { laneOf, nowMs: 0 })).toEqual([one]);
    expect(holds.astray([other, one], { laneOf, nowMs: 0 })).toEqual([one]);
  });

  it('gives them back after two seconds', () => {
    expect(holds.nextMs()).toBe(2_000);
    expect(holds.astray([one], { laneOf, nowMs: 2_000 })).toEqual([elsewhere]);
    holds.forget([one, elsewhere]);
    expect(holds.nextMs()).toBe(Infinity);
  });

  it('keeps them when it has started', () => {
    const started = held(1, 'running');
    holds.noteAsked([started], 0);
    expect(holds.nextMs()).toBe(Infinity);
    expect(holds.astray([other], { laneOf, nowMs: 5_000 })).toEqual([]);
  });
});
