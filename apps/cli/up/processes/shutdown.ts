// In which order does everything end? In the reverse of the order in which it began: replicas before what
// they call, and that before the database. A step that starts a part adds it here first, so that a Ctrl-C at
// any moment finds all there is. A second Ctrl-C hurries; if the process ends otherwise, by a bug for one,
// nothing of ours is left running either.
export interface Part {
  readonly stop: () => Promise<void>;
  /** What a person should know while it stops. */
  readonly farewell?: string;
  /** Makes a stop that is under way end sooner. */
  readonly hurry?: () => void;
  /** For the last moment of this process, when nothing can be waited for. */
  readonly killNow?: () => void;
}

/** The same signal may come from the terminal and from a parent that passes it on; people are slower. */
const SAME_PRESS_MS = 300;

export class Shutdown {
  readonly #controller = new AbortController();
  readonly #parts: Part[] = [];
  #askedAtMs = Number.NEGATIVE_INFINITY;
  #failure: Error | undefined;

  constructor() {
    process.once('exit', () => {
      for (const part of this.#parts.toReversed()) part.killNow?.();
    });
  }

  /** Aborted when everything should end. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Why it ends, unless a user asked for it. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** What a person should know while the parts stop. */
  get farewells(): string[] {
    return this.#parts.flatMap(({ farewell }) => (farewell === undefined ? [] : [farewell]));
  }

  add(part: Part): void {
    this.#parts.push(part);
  }

  /** The first call ends everything, a later one in a hurry. */
  ask(): void {
    const nowMs = performance.now();
    const isSamePress = nowMs - this.#askedAtMs < SAME_PRESS_MS;
    this.#askedAtMs = nowMs;
    if (!this.signal.aborted) this.#controller.abort();
    else if (!isSamePress) for (const part of this.#parts) part.hurry?.();
  }

  /** Ends everything because of an error; the first one counts. */
  fail(error: unknown): void {
    if (this.signal.aborted) return;
    this.#failure = error instanceof Error ? error : new Error(String(error));
    this.ask();
  }

  /** Stops every part, the last one first. One that fails keeps no other from being stopped. */
  async stopAll(): Promise<unknown[]> {
    const errors: unknown[] = [];
    for (let part = this.#parts.pop(); part !== undefined; part = this.#parts.pop()) {
      // Back on the list while it stops, where a second Ctrl-C and the exit look for it.
      this.#parts.push(part);
      await part.stop().catch((error: unknown) => errors.push(error));
      this.#parts.pop();
    }
    return errors;
  }
}

export function stopOnSignals(shutdown: Shutdown): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => shutdown.ask());
}
