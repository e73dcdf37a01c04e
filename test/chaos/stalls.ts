// How much did the machine keep all processes waiting? The harness wakes up many times a second and notes when it comes
// late: for that long, on a machine that has other things to do, the replicas did not get on either. Limits on times
// are extended by what was noted while the clock was running; limits on anything else never are.

export interface Stall {
  readonly fromMs: number;
  readonly toMs: number;
}

const LOOK_MS = 20;
/** Less is what timers do on a quiet machine, too. */
const NOTED_MS_MIN = 30;

export class StallWatch {
  readonly stalls: Stall[] = [];
  readonly #timer: NodeJS.Timeout;
  #lookedAtMs = Date.now();

  constructor() {
    this.#timer = setInterval(() => this.#look(), LOOK_MS);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const nowMs = Date.now();
    const expectedMs = this.#lookedAtMs + LOOK_MS;
    if (nowMs - expectedMs >= NOTED_MS_MIN) this.stalls.push({ fromMs: expectedMs, toMs: nowMs });
    this.#lookedAtMs = nowMs;
  }
}

/** How much of that time was stalled. */
export function stalledMs(
  stalls: readonly Stall[],
  { fromMs, toMs }: { fromMs: number; toMs: number },
): number {
  return stalls.reduce(
    (sum, stall) => sum + Math.max(0, Math.min(stall.toMs, toMs) - Math.max(stall.fromMs, fromMs)),
    0,
  );
}
