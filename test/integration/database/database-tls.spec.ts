// Do `sslmode` and its kin mean what they mean to libpq? One server speaks TLS with a certificate that no public authority
// has signed, as PostgreSQL servers do; the tests' own speaks none.
import { mkdtemp, rm, writeFile, chmod } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { connectDatabase } from '#database/connection.js';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '#database/embedded/embedded-postgres.js';
import { settleTls } from '#database/tls-offer.js';
import { runStatement } from '../../support/admin-statement.js';
import { selfSigned } from '../../support/self-signed.js';
import { until } from '../../support/until.js';

let folder: string;
let secure: EmbeddedPostgres;
const own = selfSigned();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'carillon-tls-'));
  await chmod(folder, 0o711); // under root the server runs as another user, who must get in
  secure = await startEmbeddedPostgres({ dataDirectory: join(folder, 'data'), log: () => undefined });
  await writeFile(join(folder, 'own.crt'), own.certificate);
  await writeFile(join(folder, 'other.crt'), selfSigned().certificate);
  // The server itself writes its key, since it must be its owner.
  for (const [file, text] of [
    ['server.crt', own.certificate],
    ['server.key', own.key],
  ] as const) {
    await runStatement(
      secure.url,
      `copy (select unnest(string_to_array('${text.trim()}', e'\\n'))) to program 'umask 077; cat > ${file}'`,
    );
  }
  await runStatement(secure.url, 'alter system set ssl = on');
  await runStatement(secure.url, 'select pg_reload_conf()');
  await until('the server speaks TLS', async () => {
    const [row] = await runStatement<{ ssl: string }>(secure.url, 'show ssl');
    return row?.ssl === 'on';
  });
});
afterAll(async () => {
  await secure.remove();
  await rm(folder, { recursive: true, force: true });
});

const file = (name: string): string => encodeURIComponent(join(folder, name));
const at = (host: string, parameters: string): string =>
  `${Object.assign(new URL(secure.url), { hostname: host }).href}?${parameters}`;

/** Whether the connection that the URL leads to is encrypted. */
async function isEncrypted(url: string): Promise<boolean | undefined> {
  const db = connectDatabase({
    url: await settleTls(url),
    applicationName: 'test',
    maxConnections: 1,
    statementTimeoutMs: 5_000,
    onError: () => undefined,
  });
  try {
    const { rows } = await sql<{ ssl: boolean }>`
      select ssl from pg_stat_ssl where pid = pg_backend_pid()`.execute(db);
    return rows[0]?.ssl;
  } finally {
    await db.destroy();
  }
}

describe('at a server with a certificate of its own', () => {
  it.each([
    ['sslmode=require', true],
    ['sslmode=prefer', true],
    ['sslmode=no-verify', true],
    ['sslmode=allow', false],
    ['sslmode=disable', false],
  ])('%s: encrypted is %s', async (parameters, encrypted) => {
    expect(await isEncrypted(at('127.0.0.1', parameters))).toBe(encrypted);
  });

  it.each(['require', 'verify-ca', 'verify-full'])('%s with its certificate is believed', async (mode) => {
    expect(await isEncrypted(at('localhost', `sslmode=${mode}&sslrootcert=${file('own.crt')}`))).toBe(true);
  });

  it.each(['require', 'verify-ca', 'verify-full'])('%s with another certificate is not', async (mode) => {
    const url = at('localhost', `sslmode=${mode}&sslrootcert=${file('other.crt')}`);
    await expect(isEncrypted(url)).rejects.toThrow(/self-signed certificate/);
  });

  it('verify-ca asks for no name, and verify-full does', async () => {
    const parameters = `sslrootcert=${file('own.crt')}`;
    expect(await isEncrypted(at('127.0.0.1', `sslmode=verify-ca&${parameters}`))).toBe(true);
    await expect(isEncrypted(at('127.0.0.1', `sslmode=verify-full&${parameters}`))).rejects.toThrow(
      /127\.0\.0\.1/,
    );
  });

  it('verify-full without a certificate believes public authorities alone', async () => {
    await expect(isEncrypted(at('localhost', 'sslmode=verify-full'))).rejects.toThrow(
      /self-signed certificate/,
    );
  });

  it('settings beside it in the URL are kept', async () => {
    const url = at('127.0.0.1', 'sslmode=require&options=-c%20work_mem%3D9MB');
    expect(await isEncrypted(url)).toBe(true);
  });
});

describe('at a server that speaks no TLS', () => {
  const plain = (mode: string): string => `${inject('databaseUrl')}?sslmode=${mode}`;

  it.each(['prefer', 'allow', 'disable'])('%s goes without', async (mode) => {
    expect(await isEncrypted(plain(mode))).toBe(false);
  });

  it('require does not', async () => {
    await expect(isEncrypted(plain('require'))).rejects.toThrow(/does not support SSL/);
  });
});
