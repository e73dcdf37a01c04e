// Ends everything in the reverse of the order in which it began: replicas before the servers that they call, and
// those before the database. A step that starts a part adds it here first, so that a Ctrl-C at any moment reaches all
// parts. A second Ctrl-C hurries. If the process ends otherwise, by a bug for example, none of its parts is left
// running either.
export interface Part {
  readonly stop: () => Promise<void>;
  /** A line for the person while the part stops. */
  readonly farewell?: string;
  /** Makes a stop that is under way end sooner. */
  readonly hurry?: () => void;
  /** Called in the last moment of this process, when nothing can be awaited. */
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

  /** The error that ends it; undefined after a user's request. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  /** The lines for the person while the parts stop. */
  get farewells(): string[] {
    return this.#parts.flatMap(({ farewell }) => (farewell === undefined ? [] : [farewell]));
  }

  add(part: Part): void {
    this.#parts.push(part);
  }

  /** The first call ends everything, a later one hurries. */
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

  /** Stops every part, the last one first. A failed stop keeps no other part from being stopped. */
  async stopAll(): Promise<unknown[]> {
    const errors: unknown[] = [];
    for (let part = this.#parts.pop(); part !== undefined; part = this.#parts.pop()) {
      // Back on the list while it stops, for a second Ctrl-C and the exit.
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
