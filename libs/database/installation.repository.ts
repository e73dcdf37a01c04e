// Which statement tells what was fixed when this database was installed?
import type { Database } from './connection.js';

export interface Installation {
  slotCount: number;
  /** Signs page tokens, so that every replica accepts every other's. */
  tokenSecret: Buffer;
}

export async function readInstallation(db: Database): Promise<Installation> {
  return db.selectFrom('installation').select(['slot_count as slotCount', 'token_secret as tokenSecret']).where('id', '=', 1).executeTakeFirstOrThrow();
}
