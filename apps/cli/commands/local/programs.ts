// The commands that call no API: they start replicas, and examine databases and settings. What they need of the server is
// loaded when one of them runs, since that takes longer than all that the others do.
import type { Command } from 'commander';
import { withoutClientSettings } from '../../client-settings.js';
import { CliError } from '../../cli-error.js';
import { EXIT } from '../../exit-codes.js';
import { ringTable } from '../../ring-table.js';
import { UP_USAGE } from '../../up/terminal/options.js';
import { does, type Kit } from '../kit.js';

export function addPrograms(program: Command, kit: Kit): void {
  const up = program
    .command('up')
    .description('Start PostgreSQL, a few replicas and a demo; what npm start does')
    .allowUnknownOption()
    .allowExcessArguments();
  up.helpInformation = () => UP_USAGE;
  const replica = program
    .command('replica')
    .description('Run one replica on DATABASE_URL until SIGTERM, with the settings of docs/CONFIGURATION.md');
  // bootstrap.mjs starts it, on a Node with other flags.
  does(kit, replica, async () => {
    throw new CliError('expected a replica to be started by apps/cli/bootstrap.mjs, got apps/cli/main.js');
  });
  const doctor = program
    .command('doctor')
    .description('Examine the database of DATABASE_URL, or of the npm start that runs here');
  does(kit, doctor, async ({ world: { env, out, home } }) => {
    const { doctor: examine } = await import('../../doctor/doctor.js');
    const { runningHere } = await import('../../database-meant.js');
    const { text, isHealthy } = await examine(withoutClientSettings(env), await runningHere(home));
    out.write(`${text}\n`);
    return isHealthy ? EXIT.done : EXIT.failed;
  });
  const ring = program
    .command('ring')
    .description('Print how even the ring is, and how much moves when a replica joins or leaves');
  does(kit, ring, async ({ world: { out } }) => out.write(`${ringTable()}\n`));
  const openapi = program
    .command('openapi')
    .description('Print the description of the REST API, OpenAPI 3.1');
  does(kit, openapi, async ({ world: { out } }) => {
    const { apiDocument } = await import('#server/api-document.js');
    out.write(await apiDocument());
  });
}
