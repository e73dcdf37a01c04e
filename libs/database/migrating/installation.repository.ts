// The values that were fixed when this database was installed.
import { sql } from 'kysely';
import { ConfigError } from '#kernel/errors.js';
import type { Database } from '#database/connection.js';

export interface Installation {
  /** Never changes: a tenant's slot is stored with it. */
  slotCount: number;
  /** Signs page tokens, so that every replica accepts those of every other. */
  tokenSecret: Buffer;
}

/** Throws ConfigError when the slots that exist are not those that were installed. */
export async function readInstallation(db: Database): Promise<Installation> {
  const { rows } = await sql<Installation & { slots: number }>`
    select slot_count as "slotCount", token_secret as "tokenSecret",
           (select count(*) from carillon.slot_owner where slot between 0 and slot_count - 1) as slots
      from carillon.installation where id = 1`.execute(db);
  const [installation] = rows;
  if (installation === undefined)
    throw new ConfigError('expected an installation in the database, found none; migrate it first');
  if (installation.slots !== installation.slotCount) {
    throw new ConfigError(
      `expected ${installation.slotCount} slots, as this database was installed with, got ${installation.slots}`,
    );
  }
  return installation;
}
