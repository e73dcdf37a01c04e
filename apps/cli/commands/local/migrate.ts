// Migrations by hand: a replica migrates its database as it starts, unless CARILLON_MIGRATE is false. Then an operator
// does it, before the first replica of a new version starts.
import type { Command } from 'commander';
import { withoutClientSettings } from '../../client-settings.js';
import { CliError } from '../../cli-error.js';
import { EXIT } from '../../exit-codes.js';
import { fields } from '../../output/printer.js';
import { does, type Kit } from '../kit.js';
import type { Session } from '../session.js';

const LISTED = fields('name', 'result');

export function addMigrate(program: Command, kit: Kit): void {
  const migrate = program
    .command('migrate')
    .description('The migrations of the database of DATABASE_URL, or of the npm start that runs here');
  const status = migrate
    .command('status')
    .description('List the migrations that the database lacks; exits with 1 if there are some');
  does(kit, status, async (session) => {
    const pending = await listPending(session);
    return pending.length === 0 ? EXIT.done : EXIT.failed;
  });
  const run = migrate
    .command('run')
    .description('Apply all migrations that the database lacks, in one transaction')
    .option('--dry-run', 'only list them');
  does<{ dryRun?: boolean }>(kit, run, async (session, { dryRun = false }) => {
    if (dryRun) {
      await listPending(session);
      return;
    }
    const { migrateToLatest } = await import('#database/migrating/migrator.js');
    const onWait = (reason: string): void => session.note(`carillon: waiting: ${reason}`);
    const { applied } = await reached(await urlOf(session), (url) => migrateToLatest(url, { onWait }));
    if (applied.length === 0) session.note('carillon: all migrations were applied before');
    await session.out.rows(
      applied.map((name) => ({ name, result: 'applied' })),
      LISTED,
    );
  });
}

async function listPending(session: Session): Promise<string[]> {
  const { connectDatabase } = await import('#database/connection.js');
  const { pendingMigrations } = await import('#database/migrating/migrator.js');
  const pending = await reached(await urlOf(session), async (url) => {
    const db = connectDatabase({
      url,
      applicationName: 'carillon-migrate',
      maxConnections: 1,
      statementTimeoutMs: 10_000,
      onError: () => undefined, // the statement under way reports the same break
    });
    try {
      return await pendingMigrations(db);
    } finally {
      await db.destroy();
    }
  });
  if (pending.length === 0) session.note('carillon: all migrations are applied');
  await session.out.rows(
    pending.map((name) => ({ name, result: 'missing' })),
    LISTED,
  );
  return pending;
}

/** As a replica would migrate it. */
async function urlOf({ world: { env, home } }: Session): Promise<string> {
  const { readConfig } = await import('#server/settings/config.js');
  const { runningHere, withDatabase } = await import('../../database-meant.js');
  const meant = withDatabase(withoutClientSettings(env), await runningHere(home), 'migrate');
  const { DATABASE_SESSION_URL: sessionUrl, DATABASE_URL: url } = readConfig(meant);
  return sessionUrl ?? url;
}

/** Without the password that may be in the URL. */
async function reached<Result>(given: string, act: (url: string) => Promise<Result>): Promise<Result> {
  const { isDatabaseError } = await import('#database/error-kind.js');
  const { settleTls } = await import('#database/tls-offer.js');
  try {
    return await act(await settleTls(given));
  } catch (error) {
    if (!isDatabaseError(error)) throw error;
    const { host, pathname } = new URL(given);
    const why = error instanceof Error ? error.message : String(error);
    throw new CliError(`expected the database at ${host}${pathname} to answer, got ${why || 'no answer'}`);
  }
}
