// `carillon up` with its own options, which are parsed before anything is started.
import { CliError } from '../cli-error.js';
import { EXIT } from '../exit-codes.js';
import { parseUpOptions, UP_USAGE } from './terminal/options.js';
import { up } from './up.js';

export async function runUpCommand(args: readonly string[]): Promise<number> {
  const parsed = parseUpOptions(args);
  switch (parsed.kind) {
    case 'help':
      process.stdout.write(UP_USAGE);
      return EXIT.done;
    case 'invalid':
      throw new CliError(parsed.message, EXIT.usage);
    case 'options':
      return up(parsed.options);
  }
}
