// The few failures that are errors of ours, since expected outcomes are return values: an impossible setting, and a
// state that the compiler thinks impossible.

/** A wrong setting. The message names it, with the expected and the given value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Closes a switch: does not compile while a case is missing, throws if an unknown value came from outside. */
export function unreachable(value: never): never {
  throw new Error(`expected every case to be handled, got ${JSON.stringify(value)}`);
}
