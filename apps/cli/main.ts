// The command line: picks the command. Runs on the Node that bootstrap.mjs found, with everything installed and
// built. A failure that a person can mend is one message without a stack.
import { EmbeddedPostgresError } from '#database/embedded/programs/embedded-postgres-error.js';
import { ConfigError } from '#kernel/errors.js';
import { apiDocument } from '#server/api-document.js';
import { CliError } from './cli-error.js';
import { doctor } from './doctor/doctor.js';
import { ringTable } from './ring-table.js';
import { dataFolder } from './up/data/data-folder.js';
import { parseUpOptions, UP_USAGE } from './up/terminal/options.js';
import { up } from './up/up.js';
import { readUpFile } from './up/data/up-file.js';

const USAGE = `Usage: carillon COMMAND [OPTIONS]; in a clone: npm start -- [OPTIONS], or node apps/cli/bootstrap.mjs COMMAND [OPTIONS]

Commands:
  up      start PostgreSQL, a few replicas and a demo; what npm start does
  doctor  examine the database of DATABASE_URL, or of the npm start that runs here: connections, settings,
          migrations, old snapshots
  replica run one replica on DATABASE_URL until SIGTERM (npm run replica)
  ring    print how even the ring is, and how much moves when a replica joins or leaves
  openapi print the description of the REST API, OpenAPI 3.1

Each command lists its options with --help.
`;

async function main([command, ...args]: string[]): Promise<number> {
  switch (command) {
    case 'up':
      return runUp(args);
    case 'doctor':
      return runDoctor(args);
    case 'ring':
      process.stdout.write(`${ringTable()}\n`);
      return 0;
    case 'openapi':
      process.stdout.write(await apiDocument());
      return 0;
    case undefined:
    case 'help':
    case '--help':
    case '-h':
      process.stdout.write(USAGE);
      return 0;
    default:
      throw new CliError(
        `command: expected up, doctor, replica, ring, openapi or help, got ${JSON.stringify(command)}`,
        2,
      );
  }
}

async function runDoctor(args: string[]): Promise<number> {
  const [first] = args;
  if (first === '--help' || first === '-h') {
    process.stdout.write(USAGE);
    return 0;
  }
  if (first !== undefined) throw new CliError(`doctor: expected no options, got ${JSON.stringify(first)}`, 2);
  const running = await readUpFile(dataFolder('.data').upFile);
  const { text, isHealthy } = await doctor(process.env, running);
  process.stdout.write(`${text}\n`);
  return isHealthy ? 0 : 1;
}

async function runUp(args: string[]): Promise<number> {
  const parsed = parseUpOptions(args);
  switch (parsed.kind) {
    case 'help':
      process.stdout.write(UP_USAGE);
      return 0;
    case 'invalid':
      throw new CliError(parsed.message, 2);
    case 'options':
      return up(parsed.options);
  }
}

function report(error: unknown): number {
  const isForPeople =
    error instanceof CliError || error instanceof EmbeddedPostgresError || error instanceof ConfigError;
  const text = isForPeople ? error.message : String(error instanceof Error ? error.stack : error);
  process.stderr.write(`carillon: ${text}\n`);
  return error instanceof CliError ? error.exitCode : 1;
}

// Not left to the event loop to run dry: a keep-alive socket may hold it for seconds.
process.exit(await main(process.argv.slice(2)).catch(report));
