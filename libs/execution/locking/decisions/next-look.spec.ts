// Which of the runs in line may ask for their locks after a look, and which has had its chance?
import { expect, it } from 'vitest';
import { nextSteps } from './next-look.js';

const run = (ticket: number, mayAskSinceMs: number | null = null, wishes = 1) => ({
  ticket,
  wishes,
  mayAskSinceMs,
});
const look = (runs: readonly ReturnType<typeof run>[], ready: readonly (readonly [number, number])[]) => {
  const { free, blocked, idle } = nextSteps(runs, { ready: new Map(ready), nowMs: 5_000 });
  const tickets = (some: readonly { ticket: number }[]) => some.map(({ ticket }) => ticket);
  return { free: tickets(free), blocked: tickets(blocked), idle: tickets(idle) };
};
const NONE = { free: [], blocked: [], idle: [] };

it('a run may ask when it is next in each of its lines', () => {
  const runs = [run(1), run(2), run(3, null, 2), run(4, null, 2)];
  expect(
    look(runs, [
      [1, 1],
      [3, 1],
      [4, 2],
    ]),
  ).toEqual({ ...NONE, free: [1, 4] });
});

it('a run that may ask is let go once', () => {
  expect(look([run(1, 4_500)], [[1, 1]])).toEqual(NONE);
});

it('a run that could have started for a second is held back by something else', () => {
  expect(look([run(1, 4_000)], [[1, 1]])).toEqual({ ...NONE, idle: [1] });
});

it('a run whose locks were taken before it asked waits on', () => {
  expect(look([run(1, 4_500), run(2)], [])).toEqual({ ...NONE, blocked: [1] });
});
