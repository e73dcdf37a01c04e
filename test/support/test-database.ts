// How does a test file get a database of its own? As a copy of the template that the global setup has
// migrated once: a copy takes some 30 ms, the migrations would take seconds by the end of the year.
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { inject } from 'vitest';
import { runStatement, withDatabase } from './admin-statement.js';

export interface TestDatabase {
  readonly url: string;
  /** Ends the sessions that are still open and removes the database. */
  drop(): Promise<void>;
}

const CREATE_ATTEMPTS_MAX = 20;
const RETRY_DELAY_MS = 100;
const OBJECT_IN_USE = '55006';

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
      await runStatement(adminUrl, `create database ${name} template ${template}`);
      return;
    } catch (error) {
      const isBusy = error instanceof pg.DatabaseError && error.code === OBJECT_IN_USE;
      if (!isBusy || attempt === CREATE_ATTEMPTS_MAX) throw error;
      await delay(RETRY_DELAY_MS); // an autovacuum worker looks into the template now and then
    }
  }
}
