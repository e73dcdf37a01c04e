// Who wants to know? A topic tells its listeners, at once and in order, that something happened inside
// this process. Nothing is stored and nothing crosses a process: what must not be missed is a row.

export class Topic<Message> {
  readonly #subscriptions = new Set<{ listener: (message: Message) => void }>();

  /** Returns the function that ends the subscription. */
  subscribe(listener: (message: Message) => void): () => void {
    const subscription = { listener };
    this.#subscriptions.add(subscription);
    return () => this.#subscriptions.delete(subscription);
  }

  /** Tells everybody, even if a listener throws; then throws what the first of those threw. */
  publish(message: Message): void {
    let failure: { error: unknown } | null = null;
    for (const { listener } of this.#subscriptions) {
      try {
        listener(message);
      } catch (error) {
        failure ??= { error };
      }
    }
    if (failure !== null) throw failure.error;
  }
}
