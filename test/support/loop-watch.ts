// How long was the event loop of this thread kept from its timers? Measured by the processor time that the thread used
// between two ticks, and not by a clock, so that a machine that is busy with other things is not taken for a stall; and
// divided by how much slower than the machine of the limits this one is, so that a slow processor is not taken for one.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const TICK_MS = 10;
/** What the same calculation took where the limits were measured. */
const CALCULATION_MS = 50;

/**
 * Begins to watch; the answer is the longest stretch so far, in milliseconds of processor time where the limits were
 * measured.
 */
export function watchLoop(): { longestMs: () => number; stop: () => void } {
  const slowness = Math.max(1, calculationMs() / CALCULATION_MS);
  let before = cpuMs();
  let longest = 0;
  const look = (): void => {
    const now = cpuMs();
    longest = Math.max(longest, now - before);
    before = now;
  };
  const timer = setInterval(look, TICK_MS);
  timer.unref();
  return {
    longestMs: () => {
      look();
      return longest / slowness;
    },
    stop: () => clearInterval(timer),
  };
}

function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

function calculationMs(): number {
  const before = cpuMs();
  for (let times = 0; times < 5; times += 1)
    JSON.parse(JSON.stringify(Array.from({ length: 50_000 }, (_, index) => index)));
  return cpuMs() - before;
}

/** No request may keep a replica's event loop longer than this. */
const STRETCH_MS_MAX = 250;
/** Two threads with full heaps, and what a garbage collection has yet to give back. */
const GROWTH_MB_MAX = 500;

export interface ProcessWatch {
  /** Throws if the event loop was held up for too long, or the memory has grown by too much. */
  judge: () => void;
}

/** Watches this process, for tests that have a replica inside of it. */
export function watchProcess(): ProcessWatch {
  // What the tests before have left in this process is collected now, and not while the watched request is dealt with.
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  const before = process.memoryUsage.rss();
  let peak = before;
  const look = (): void => void (peak = Math.max(peak, process.memoryUsage.rss()));
  const timer = setInterval(look, TICK_MS);
  timer.unref();
  const loop = watchLoop();
  return {
    judge: () => {
      loop.stop();
      clearInterval(timer);
      look();
      const grownMb = (peak - before) / 1e6;
      const longestMs = loop.longestMs();

      if (longestMs > STRETCH_MS_MAX)
        throw new Error(
          `expected no stretch of more than ${STRETCH_MS_MAX} ms on the event loop, got ${longestMs} ms`,
        );
      if (grownMb > GROWTH_MB_MAX)
        throw new Error(`expected the process to grow by at most ${GROWTH_MB_MAX} MB, got ${grownMb} MB`);
    },
  };
}
