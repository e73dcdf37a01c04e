// How is a user of locks cut off? Its requests go out and no answer comes in, or they don't even go out: it hears nothing of
// either until it gives up by itself. Stands in for the network of its own process alone.

export type Cut = 'none' | 'mute' | 'deaf';

export class CutNetwork {
  cut: Cut = 'none';
  readonly #fetch = globalThis.fetch;

  /** In the place of the process's own. */
  readonly fetch: typeof globalThis.fetch = async (input, init) => {
    if (this.cut === 'mute') return silence(init?.signal);
    const answer = await this.#fetch(input, init);
    return this.cut === 'none' ? answer : silence(init?.signal);
  };
}

async function silence(signal: AbortSignal | null | undefined): Promise<never> {
  return new Promise((_, reject) => {
    if (signal?.aborted === true) reject(signal.reason as Error);
    signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
}
