// How does a test file get a database of its own? As a copy of the template that the global setup has
// migrated once: a copy takes some 80 ms, half as long as one by way of the log, and the migrations would take seconds.
// useTestDatabase() at the head of a file (or of a describe) is the usual way; createTestDatabase() is for a test
// that needs one more, or ends it in an order of its own.
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, inject, onTestFinished } from 'vitest';
import { connectDatabase, type Database, type DatabaseOptions } from '#database/connection.js';
import { runStatement, withDatabase } from './admin-statement.js';
import { standInFor } from './stand-in.js';

export interface TestDatabase {
  readonly url: string;
  /** Ends the sessions that are still open and removes the database. */
  drop(): Promise<void>;
}

const CREATE_ATTEMPTS_MAX = 20;
const RETRY_DELAY_MS = 100;
const OBJECT_IN_USE = '55006';

export interface UsedDatabase {
  readonly url: string;
  /** A pool of its own. */
  readonly db: Database;
}

type Connection = Partial<Omit<DatabaseOptions, 'url' | 'applicationName'>>;

const CONNECTION = { maxConnections: 4, statementTimeoutMs: 20_000, onError: () => undefined };

/** A new database for each test, or one for the whole file. `db` may be taken out at once, `url` exists from the hook on. */
export function useTestDatabase({
  per = 'test',
  ...connection
}: Connection & { per?: 'test' | 'file' } = {}): UsedDatabase {
  const made = standInFor<TestDatabase>('the database');
  const db = standInFor<Database>('the database');
  const start = async () => {
    const database = await createTestDatabase();
    const pool = connectDatabase({
      url: database.url,
      applicationName: 'test',
      ...CONNECTION,
      ...connection,
    });
    made.become(database);
    db.become(pool);
    return async (): Promise<void> => {
      await pool.destroy();
      await database.drop();
    };
  };
  if (per === 'file') {
    let end: () => Promise<void> = async () => undefined;
    beforeAll(async () => void (end = await start()));
    afterAll(() => end());
  } else beforeEach(async () => onTestFinished(await start()));
  return {
    get url() {
      return made.handle.url;
    },
    db: db.handle,
  };
}

export async function createTestDatabase(): Promise<TestDatabase> {
  const adminUrl = inject('databaseUrl');
  const template = inject('templateDatabase');
  // The run's mark stays in the name, by which the teardown finds what a failed test has left.
  const name = `${template.replace('template', 'test')}_${randomBytes(5).toString('hex')}`;
  await copyDatabase({ adminUrl, template, name });
  return {
    url: withDatabase(inject('productUrl'), name),
    drop: async () => void (await runStatement(adminUrl, `drop database if exists ${name} with (force)`)),
  };
}

async function copyDatabase({
  adminUrl,
  template,
  name,
}: {
  adminUrl: string;
  template: string;
  name: string;
}): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await runStatement(adminUrl, `create database ${name} template ${template} strategy file_copy`);
      return;
    } catch (error) {
      const isBusy = error instanceof pg.DatabaseError && error.code === OBJECT_IN_USE;
      if (!isBusy || attempt === CREATE_ATTEMPTS_MAX) throw error;
      await delay(RETRY_DELAY_MS); // an autovacuum worker looks into the template now and then
    }
  }
}
