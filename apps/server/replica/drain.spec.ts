// Does a replica leave without a loss when the database refuses something on its way out?
import { expect, it } from 'vitest';
import { drain, type DrainOptions } from './drain.js';

const refusal = new Error('too many connections');

interface Played {
  drainMs?: number;
  /** How often the database refuses to record that the replica leaves. */
  refusals: number;
  /** After how many rests the handlers have ended. */
  endsAfter: number;
}

function play({ drainMs = 10_000, refusals, endsAfter }: Played) {
  let [nowMs, rests, refused] = [0, 0, 0];
  const acts: string[] = [];
  const errors: unknown[] = [];
  const held = () => (rests < endsAfter ? 1 : 0);
  const replica = {
    membership: {
      incarnation: null,
      drain: async () => {
        if (refused < refusals) {
          refused += 1;
          throw refusal;
        }
        acts.push('announces');
      },
      leave: async () => void acts.push('leaves'),
    },
    held: {
      get running() {
        return held();
      },
      get size() {
        return held();
      },
    },
    running: { stopAll: () => acts.push(held() === 0 ? 'has nothing to stop' : 'stops a handler') },
    claim: { door: { entering: { size: 0 } } },
    settleLoop: { isEmpty: true },
    runLogLoop: { isIdle: true },
    queues: { stop: async () => undefined },
    outlet: { destroy: () => undefined },
  };
  const timers = {
    wake: () => undefined,
    stop: () => undefined,
    rest: async (_name: string, ms: number) => {
      rests += 1;
      nowMs += ms;
    },
  };
  const options = {
    replica,
    timers,
    drainMs,
    monotonicMs: () => nowMs,
    onError: (e: unknown) => errors.push(e),
  };
  return { acts, errors, done: () => drain(options as unknown as DrainOptions) };
}

it('asks again, tells of it once, and waits for its handlers all the same', async () => {
  const { acts, errors, done } = play({ refusals: 3, endsAfter: 100 });
  await done();
  expect(acts).toEqual(['announces', 'has nothing to stop', 'leaves']);
  expect(errors).toEqual([refusal]);
});

it('goes on when the database is gone, and stops handlers only when the time is up', async () => {
  const { acts, errors, done } = play({ refusals: Number.POSITIVE_INFINITY, endsAfter: 300 });
  await done();
  expect(acts).toEqual(['has nothing to stop', 'leaves']);
  expect(errors).toEqual([refusal]);
});

it('stops handlers that are not done in time', async () => {
  const { acts, done } = play({ refusals: 0, endsAfter: 1_000 });
  await done();
  expect(acts).toEqual(['announces', 'stops a handler', 'leaves']);
});

it('says that it leaves even where nothing is waited for', async () => {
  const { acts, done } = play({ drainMs: 0, refusals: 0, endsAfter: 0 });
  await done();
  expect(acts).toEqual(['announces', 'has nothing to stop', 'leaves']);
});
