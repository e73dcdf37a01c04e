// What is told of schedules in code that the API does not take? What it refuses, once; and that no replica answers, only
// when that lasts.
import { expect, it } from 'vitest';
import { DefinedSchedules } from './defined-schedules.js';
import { CallFailed } from './worker-calls.js';

const REFUSED = { againSeconds: 20, refused: [{ schedule: 'nightly', detail: 'expected a zone' }] };
const KILLED = new CallFailed(0, 'fetch failed');
const never = new AbortController().signal;

function definedWith(answers: readonly unknown[]) {
  const told: string[] = [];
  let asked = 0;
  const schedules = new DefinedSchedules({
    tenant: 'acme',
    definitions: [],
    onError: ({ message }) => told.push(message),
    call: <Answer>() => {
      const answer = answers[Math.min(asked, answers.length - 1)];
      asked += 1;
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer as Answer);
    },
  });
  return { schedules, told };
}

it('what is refused is told once, until something else is', async () => {
  const { schedules, told } = definedWith([REFUSED, REFUSED, { refused: [] }, REFUSED]);
  for (let turn = 0; turn < 4; turn += 1) expect(await schedules.runOnce(never)).toBe(20);
  expect(told).toEqual(Array(2).fill(expect.stringContaining('nightly: expected a zone')));
});

it('a replica that gives no answer is asked again soon, and told of when none does for long', async () => {
  const { schedules, told } = definedWith([KILLED]);
  for (let turn = 0; turn < 10; turn += 1) expect(await schedules.runOnce(never)).toBe(2);
  expect(told).toEqual([]);
  expect(await schedules.runOnce(never)).toBe(20);
  expect(told).toEqual([expect.stringContaining('fetch failed')]);
});

it('an answer in between begins the wait anew', async () => {
  const deaths = Array.from({ length: 9 }, () => KILLED);
  const { schedules, told } = definedWith([...deaths, { refused: [] }, ...deaths, { refused: [] }]);
  for (let turn = 0; turn < 20; turn += 1) await schedules.runOnce(never);
  expect(told).toEqual([]);
});

it('what the API says of the request is told at once', async () => {
  const { schedules, told } = definedWith([new CallFailed(422, 'expected a name')]);
  expect(await schedules.runOnce(never)).toBe(20);
  expect(told).toEqual([expect.stringContaining('expected a name')]);
});
