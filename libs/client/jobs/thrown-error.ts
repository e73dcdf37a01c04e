// Describes a thrown value. JavaScript can throw anything: text, proxies, errors without a name or with getters that
// throw. All of it becomes a name, a message and perhaps a stack, bounded and made of characters that can be stored,
// since the failure must reach the run's record in any case. It never throws. Replicas and remote workers both use
// it.

export interface ToldError {
  name: string;
  message: string;
  stack?: string;
}

const NAME_LENGTH_MAX = 200;
const STACK_LENGTH_MAX = 4_000;
const MESSAGE_LENGTH_MAX = 2_000;

export function describeError(thrown: unknown): ToldError {
  try {
    return readError(thrown);
  } catch {
    return {
      name: 'UnreadableError',
      message: 'expected an error that can be read, got one that throws when it is read',
    };
  }
}

function readError(thrown: unknown): ToldError {
  if (!(thrown instanceof Error)) {
    return {
      name: 'NonError',
      message: textOf(`expected an Error to be thrown, got ${showThrown(thrown)}`, MESSAGE_LENGTH_MAX),
    };
  }
  const { name, message } = thrown;
  const stack = stackOf(thrown);
  return {
    name: textOf(name, NAME_LENGTH_MAX) || 'Error',
    message: textOf(message, MESSAGE_LENGTH_MAX),
    ...(stack === undefined ? {} : { stack: textOf(stack, STACK_LENGTH_MAX) }),
  };
}

/** The stack is made at the first read from name and message, which may be impossible to turn into text. */
function stackOf(thrown: Error): unknown {
  try {
    return thrown.stack;
  } catch {
    return undefined;
  }
}

/** Any value as text that can be stored. */
export function textOf(value: unknown, lengthMax: number): string {
  const text = typeof value === 'string' ? value : showThrown(value);
  return text.slice(0, lengthMax).toWellFormed().replaceAll('\0', '\uFFFD');
}

/** A plain object is shown as JSON: `[object Object]` helps no reader. */
function showThrown(thrown: unknown): string {
  try {
    const text = String(thrown);
    return text === '[object Object]' ? JSON.stringify(thrown) : text;
  } catch {
    return `an ${typeof thrown} that can not be shown`;
  }
}
