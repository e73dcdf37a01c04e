// Lets a computation of due times leave the event loop, which a whole replica shares, to others in time. Finding those of
// a rare kind of expression takes milliseconds each. So they are found in slices, one slice at a time for all of them
// together, and what takes too long ends early.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '#kernel/clock.js';
import { FREE_TURN } from '../../access/request-turns.js';
import { TenantTurns } from '../../access/tenant-turns.js';
import { KeyTurns } from '../../requests/key-turns.js';

const SLICE_MS = 10;

export class Slices extends TenantTurns {
  readonly #slices = new KeyTurns<'all'>();

  constructor(private readonly clock: Clock) {
    super();
  }

  /**
   * Calls `slice` until it says that it is done. It shall leave off when it may not go on. False when it was not done in
   * time, without the waiting between slices.
   */
  async compute(slice: (mayGoOn: () => boolean) => boolean, computeMsMax: number): Promise<boolean> {
    for (let spentMs = 0; spentMs < computeMsMax;) {
      const { isDone, tookMs } = await this.#slices.act('all', FREE_TURN, async () => {
        const fromMs = this.clock.monotonicMs();
        const soFarMs = (): number => this.clock.monotonicMs() - fromMs;
        const done = slice(() => soFarMs() < SLICE_MS);
        const sliceMs = soFarMs();
        await nextTurn();
        return { isDone: done, tookMs: sliceMs };
      });
      if (isDone) return true;
      spentMs += tookMs;
    }
    return false;
  }
}
