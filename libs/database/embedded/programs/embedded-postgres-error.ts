// How does a caller tell "the embedded database can't run here" from a bug? By this class: its message is
// written for the person at the terminal, has the expected and the given value, and needs no stack.
export class EmbeddedPostgresError extends Error {
  override readonly name = 'EmbeddedPostgresError';
}
