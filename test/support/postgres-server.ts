// On which PostgreSQL do the tests run? On TEST_DATABASE_URL if it is set, else on an embedded server that lives in a
// temporary folder, in memory if there is room, and does without fsync. This is a vitest globalSetup: each project that
// names it gets a server and a migrated template database of its own, so projects can't meet. Everything made is
// removed in the teardown; what a killed run could not remove is removed by the next one.
import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, readdir, rm, stat, statfs } from 'node:fs/promises';
import { freemem, hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { removeEmbeddedPostgres, startEmbeddedPostgres } from '#database/embedded/embedded-postgres.js';
import { migrateToLatest } from '#database/migrating/migrator.js';
import { runStatement, withDatabase } from './admin-statement.js';
import { makeOdd, ODD, removeOdd } from './odd-database.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** Of a user who may create databases. */
    databaseUrl: string;
    templateDatabase: string;
    /** Of whom the product logs in as, in any database. */
    productUrl: string;
  }
}

interface Server {
  readonly url: string;
  readonly describe: string;
  close(): Promise<void>;
}

/**
 * Linux keeps these files in memory. Each test makes and drops a database of several hundred files, which on a disk
 * takes a fifth of its processor time.
 */
const IN_MEMORY = '/dev/shm';
/** A server of the tests has 1 GB of logs and a few databases of 10 MB. */
const ROOM_MIN_BYTES = 4 * 2 ** 30;
const SUPPORTED = { from: 15, to: 18 };
/** The host is part of the name, since containers may share a temporary folder but not their process ids. */
const FOLDER_PREFIX = `carillon-test-${hostname()}-`;

export default async function setup(
  project: Pick<TestProject, 'name' | 'provide'>,
): Promise<() => Promise<void>> {
  const given = process.env['TEST_DATABASE_URL'];
  const server = given ? givenServer(given) : await startServer();
  const run = randomBytes(4).toString('hex');
  const close = async (): Promise<void> => {
    if (given) {
      await dropDatabases(given, run);
      if (project.name === ODD) await removeOdd(given, run);
    }
    await server.close();
  };
  try {
    const version = await serverVersion(server.url);
    process.stdout.write(`${project.name || 'tests'}: PostgreSQL ${version}, ${server.describe}\n`);
    project.provide('databaseUrl', server.url);
    const template = `carillon_template_${run}`;
    await runStatement(server.url, `create database ${template}`);
    const isOdd = project.name === ODD;
    const productUrl = isOdd ? await makeOdd(server.url, { template, mark: run }) : server.url;
    await migrateTemplate({ adminUrl: server.url, productUrl, template });
    project.provide('productUrl', productUrl);
    project.provide('templateDatabase', template);
    return close;
  } catch (error) {
    await close();
    throw error;
  }
}

function givenServer(url: string): Server {
  return { url, describe: `given by TEST_DATABASE_URL (${new URL(url).host})`, close: async () => undefined };
}

async function startServer(): Promise<Server> {
  await removeAbandonedServers();
  const isRoomy = (await freeBytes(IN_MEMORY)) >= ROOM_MIN_BYTES && freemem() >= ROOM_MIN_BYTES;
  const folder = await mkdtemp(join(isRoomy ? IN_MEMORY : tmpdir(), `${FOLDER_PREFIX}${process.pid}-`));
  await chmod(folder, 0o711); // under root the server runs as another user, who must get in
  const postgres = await startEmbeddedPostgres({
    dataDirectory: join(folder, 'data'),
    settings: { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' },
    log: () => undefined,
  });
  process.once('exit', postgres.killNow); // a run ended by a signal: the next one removes the folder
  return {
    url: postgres.url,
    describe: `embedded in ${postgres.dataDirectory}`,
    close: async () => {
      process.off('exit', postgres.killNow);
      await postgres.remove();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Ends the servers of test runs that were killed, found by the process id in their folder's name. */
async function removeAbandonedServers(): Promise<void> {
  await removeAbandonedIn(tmpdir());
  if ((await freeBytes(IN_MEMORY)) > 0) await removeAbandonedIn(IN_MEMORY);
}

/** 0 where there is no such folder. */
async function freeBytes(path: string): Promise<number> {
  const found = await statfs(path).catch(() => undefined);
  return found === undefined ? 0 : found.bavail * found.bsize;
}

async function removeAbandonedIn(parent: string): Promise<void> {
  const names = (await readdir(parent)).filter((name) => name.startsWith(FOLDER_PREFIX));
  for (const name of names) {
    const folder = join(parent, name);
    const isOurs = (await stat(folder).catch(() => undefined))?.uid === process.geteuid?.();
    if (!isOurs || isAlive(Number.parseInt(name.slice(FOLDER_PREFIX.length), 10))) continue;
    await removeEmbeddedPostgres(join(folder, 'data'));
    await rm(folder, { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException; // kill fails with nothing else
    return code === 'EPERM'; // another user's process, but alive
  }
}

async function serverVersion(url: string): Promise<string> {
  const [row] = await runStatement<{ version: string }>(
    url,
    "select current_setting('server_version') as version",
  );
  const major = Number.parseInt(row?.version ?? '', 10);
  if (major >= SUPPORTED.from && major <= SUPPORTED.to) return row?.version ?? '';
  throw new Error(
    `expected PostgreSQL ${SUPPORTED.from} to ${SUPPORTED.to} at TEST_DATABASE_URL, got ${row?.version}`,
  );
}

async function migrateTemplate({
  adminUrl,
  productUrl,
  template,
}: {
  adminUrl: string;
  productUrl: string;
  template: string;
}): Promise<void> {
  await migrateToLatest(withDatabase(productUrl, template));
  // A database with connections can not be cloned, so it may have none any more.
  await runStatement(adminUrl, `alter database ${template} allow_connections false`);
}

/** Drops the template and the databases of tests that did not drop theirs; all carry the run in their names. */
async function dropDatabases(adminUrl: string, run: string): Promise<void> {
  const left = await runStatement<{ name: string }>(
    adminUrl,
    `select datname as name from pg_database where datname ~ '^carillon_(template|test)_${run}'`,
  );
  for (const { name } of left) await runStatement(adminUrl, `drop database if exists ${name} with (force)`);
}
