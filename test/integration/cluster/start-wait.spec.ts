// What does a replica do that starts before its database does? It waits and says for what, goes on by itself, and ends with
// the reason where no waiting helps. A proxy stands for a server that is not there yet.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import request from 'supertest';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readConfig } from '#server/settings/config.js';
import { startServer } from '#server/application.js';
import { startOnceDatabaseAnswers } from '#server/start-wait.js';
import { withDatabase } from '../../support/admin-statement.js';
import { startDatabaseProxy, type DatabaseProxy } from '../../support/database-proxy.js';
import { createTestDatabase, type TestDatabase } from '../../support/test-database.js';
import { until } from '../../support/until.js';

let database: TestDatabase;
let proxy: DatabaseProxy;
let folder: string;
beforeAll(async () => {
  database = await createTestDatabase();
  proxy = await startDatabaseProxy(database.url);
  folder = await mkdtemp(join(tmpdir(), 'carillon-start-'));
});
afterAll(async () => {
  await proxy.cut();
  await rm(folder, { recursive: true, force: true });
  await database.drop();
});

function start(env: Readonly<Record<string, string>>) {
  const said: string[] = [];
  const config = readConfig({ CARILLON_PORT: '0', CARILLON_LOG_LEVEL: 'silent', ...env });
  return {
    said,
    started: startOnceDatabaseAnswers(
      config,
      (line) => said.push(line),
      (settled) => startServer(settled),
    ),
  };
}

describe('a replica that starts before its database', () => {
  it('says for which host it waits and why, and starts when it answers', async () => {
    await proxy.cut();
    const { said, started } = start({ DATABASE_URL: proxy.url });
    await until('it says what it waits for', () => said.length > 0);
    const { host, pathname } = new URL(proxy.url);
    expect(said[0]).toContain(
      `waiting for the database, DATABASE_URL (${host}${pathname}): connect ECONNREFUSED`,
    );
    await proxy.mend();
    const server = await started;
    await request(server.url).get('/healthz/live').expect(200);
    await server.stop();
  });

  it('waits for the way of its session, too', async () => {
    await proxy.cut();
    const { said, started } = start({ DATABASE_URL: database.url, DATABASE_SESSION_URL: proxy.url });
    await until('it says what it waits for', () => said.length > 0);
    expect(said[0]).toContain('DATABASE_SESSION_URL');
    await proxy.mend();
    await (await started).stop();
  });
});

describe('a start ends with the reason, and the setting', () => {
  const other = (change: Partial<Pick<URL, 'username' | 'password'>>): string =>
    Object.assign(new URL(database.url), change).href;

  it.each([
    ['the password is wrong', () => other({ password: 'wrong-one' }), /28P01.*give the right password/],
    ['there is no such user', () => other({ username: 'nobody_at_all' }), /28P01|28000/],
    [
      'there is no such database',
      () => withDatabase(database.url, 'nowhere'),
      /3D000.*create it, or name another/,
    ],
    ['the server speaks no TLS', () => `${database.url}?sslmode=require`, /does not support SSL.*sslmode/],
  ])('when %s', async (_what, url, reason) => {
    const { started, said } = start({ DATABASE_URL: url() });
    await expect(started).rejects.toMatchObject({
      name: 'ConfigError',
      message: expect.stringMatching(reason),
    });
    await expect(started).rejects.toThrow(`DATABASE_URL (${new URL(database.url).host}/`);
    await expect(started).rejects.not.toThrow(/wrong-one/);
    expect(said).toEqual([]);
  });
});
