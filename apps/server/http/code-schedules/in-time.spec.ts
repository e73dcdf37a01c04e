// Are all items reached in the end, however little time there is for each request?
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { FakeClock } from '#test/support/fake-clock.js';
import { eachInTime } from './in-time.js';

it('reaches all of them when there is time', async () => {
  const reached: number[] = [];
  const options = { ms: 10, clock: new FakeClock(), isFirst: () => false };
  const left = await eachInTime([1, 2, 3], options, async (item) => void reached.push(item));
  expect([reached, left]).toEqual([[1, 2, 3], []]);
});

it('leaves the rest when the time is up, and begins with it the next time', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(30), { minLength: 1, maxLength: 20 }), async (durations) => {
      const clock = new FakeClock();
      const items = durations.map((ms, number) => ({ ms, number }));
      const reached = new Set<number>();
      let first: number | undefined;
      for (let call = 0; reached.size < items.length; call += 1) {
        expect(call).toBeLessThan(items.length);
        let tookMs = 0;
        const isFirst = ({ number }: { number: number }): boolean => number === first;
        const left = await eachInTime(items, { ms: 25, clock, isFirst }, async ({ ms, number }) => {
          expect(tookMs).toBeLessThan(25);
          tookMs += ms;
          clock.advance(ms);
          reached.add(number);
        });
        first = left[0]?.number;
      }
    }),
  );
});
