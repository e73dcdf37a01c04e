// How does a caller tell "the embedded database can't run here" from a bug? By this class: its message is
// written for the person at the terminal, says what was expected and what was got, and needs no stack.
export class EmbeddedPostgresError extends Error {
  override readonly name = 'EmbeddedPostgresError';
}
