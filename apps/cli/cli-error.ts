// The failure of a command that the person at the terminal can mend: a message with the expected and the received,
// and an exit code, 2 for a wrong call and 1 otherwise.
export class CliError extends Error {
  override readonly name = 'CliError';

  constructor(
    message: string,
    readonly exitCode: 1 | 2 = 1,
  ) {
    super(message);
  }
}
