// Where does real time come from? Here, and nowhere else in the libs: everything that decides takes a
// Clock, so that a test can move time by hand.
import type { Clock, Random } from '#kernel/clock.js';

export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  now: () => new Date(),
};

export const systemRandom: Random = () => Math.random();
