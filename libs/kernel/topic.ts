// Tells listeners inside this process that something happened, at once and in order. Nothing is stored and nothing
// crosses a process: an event that must not be missed is a row.

export class Topic<Message> {
  readonly #subscriptions = new Set<{ listener: (message: Message) => void }>();

  /** Returns the function that ends the subscription. */
  subscribe(listener: (message: Message) => void): () => void {
    const subscription = { listener };
    this.#subscriptions.add(subscription);
    return () => this.#subscriptions.delete(subscription);
  }

  /** Calls every listener, even if one throws; then throws the first error. */
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
