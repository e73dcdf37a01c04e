// Who wants to know? A topic tells its listeners, at once and in order, that something happened inside
// this process. Nothing is stored and nothing crosses a process: what must not be missed is a row.

export class Topic<Message> {
  readonly #listeners = new Set<(message: Message) => void>();

  /** Returns the function that ends the subscription. */
  subscribe(listener: (message: Message) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  publish(message: Message): void {
    for (const listener of this.#listeners) listener(message);
  }
}
