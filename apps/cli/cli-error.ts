// How does a command fail when the person at the terminal can do something about it? With a message that
// says what was expected and what was got, and an exit code: 2 for how it was called, 1 for the rest.
export class CliError extends Error {
  override readonly name = 'CliError';

  constructor(
    message: string,
    readonly exitCode: 1 | 2 = 1,
  ) {
    super(message);
  }
}
