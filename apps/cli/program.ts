// All commands, put together. The help of each, the completions of shells and docs/CLI.md are made from these
// definitions alone.
import { Command, Option } from 'commander';
import { addCluster } from './commands/cluster/cluster.js';
import { addStatus } from './commands/cluster/status.js';
import { whole, type Kit } from './commands/kit.js';
import { addCompletion } from './commands/local/completion.js';
import { addConfig } from './commands/local/config.js';
import { addMigrate } from './commands/local/migrate.js';
import { addPrograms } from './commands/local/programs.js';
import { addSchedules } from './commands/schedules/schedules.js';
import { addKeys } from './commands/tenancy/keys.js';
import { addTenants } from './commands/tenancy/tenants.js';
import { addEnqueue } from './commands/work/enqueue.js';
import { addJobTypes } from './commands/work/job-types.js';
import { addLocks } from './commands/work/locks.js';
import { addOperations } from './commands/work/operations.js';
import { addQueues } from './commands/work/queues.js';
import { addRuns } from './commands/work/runs.js';
import { connectionOf } from './connection/connection.js';
import { connectionLines } from './connection/shown.js';
import { FORMATS } from './output/printer.js';

const GROUPS = [
  addStatus,
  addCluster,
  addTenants,
  addKeys,
  addJobTypes,
  addSchedules,
  addRuns,
  addEnqueue,
  addLocks,
  addQueues,
  addOperations,
  addMigrate,
  addConfig,
  addPrograms,
];
const WIDTH = 100;

/** Throws CommanderError for a wrong call, and after a help that was asked for. */
export function buildProgram(kit: Kit): Command {
  const { out, err } = kit.world;
  const program = new Command('carillon')
    .description('Operates Carillon, a job scheduler on PostgreSQL: over its API, and on its database.')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => out.write(text),
      writeErr: (text) => err.write(text),
      // The caller tells errors, in the form of all others.
      outputError: () => undefined,
      getOutHelpWidth: () => WIDTH,
      getErrHelpWidth: () => WIDTH,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .configureHelp({ showGlobalOptions: true })
    .addOption(
      new Option(
        '-o, --output <format>',
        'a table on a terminal and tab-separated values elsewhere by default',
      ).choices(FORMATS),
    )
    .option('--url <urls>', 'of the API, several between commas (CARILLON_URL)')
    .option('--tenant <name>', 'whose things are meant (CARILLON_TENANT)')
    .option('--key <key>', 'of the API; other users of the machine may see it here: better CARILLON_KEY')
    .option('--profile <name>', 'of the configuration file (CARILLON_PROFILE)')
    .option('--timeout <seconds>', 'how long a call may take, with all its tries', whole(1, 3_600), 10)
    .addHelpText('afterAll', () => `\n${footer(kit)}`);
  for (const add of GROUPS) add(program, kit);
  addCompletion(program, kit);
  withoutHelpCommands(program);
  return program;
}

/** Each has --help. */
function withoutHelpCommands(command: Command): void {
  command.helpCommand(false);
  for (const each of command.commands) withoutHelpCommands(each);
}

function footer({ sources }: Kit): string {
  try {
    const { url, tenant, key } = connectionLines(connectionOf({}, sources));
    return `Without options it takes\n  url     ${url}\n  tenant  ${tenant}\n  key     ${key}\n`;
  } catch (error) {
    return `Without options it takes no API: ${(error as Error).message}\n`;
  }
}
