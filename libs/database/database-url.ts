// What may a database's URL say, and how is it passed to node-postgres? In libpq's meaning, which other programs give
// the same URL: `require` encrypts and checks no certificate unless `sslrootcert` names its authority, while
// node-postgres alone would check it against the public ones. `prefer` and `allow` leave the choice to the server: it
// is asked once, as the replica starts. A URL that can't be followed is refused with the remedy, before anything
// connects.
import { accessSync, constants } from 'node:fs';

const MODES = new Set(['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full', 'no-verify']);
const FILES = ['sslrootcert', 'sslcert', 'sslkey'];
/** libpq's word for the authorities that the system trusts, which are node-postgres's default. */
const SYSTEM = 'system';

/** Why the URL can't be used, in words that show only names of hosts and files; null when it can. */
export function problemOfDatabaseUrl(text: string): string | null {
  if (!/^postgres(ql)?:\/\//.test(text)) return 'expected a postgres:// URL';
  const [, authority = '', query = ''] = /^\w+:\/\/([^/?#]*)[^?#]*(?:\?([^#]*))?/.exec(text) ?? [];
  const hosts = `${authority.replace(/^.*@/, '')} ${new URLSearchParams(query).get('host') ?? ''}`.trim();
  if (hosts.includes(',')) {
    return (
      `expected one host, got several (${hosts}); name one that always leads to the primary, such as a virtual address or a ` +
      'proxy: a list of hosts is not followed'
    );
  }
  if (!URL.canParse(text)) {
    return 'expected postgres://USER:PASSWORD@HOST:PORT/DATABASE with special characters written as %XX';
  }
  return problemOfTls(new URL(text).searchParams);
}

function problemOfTls(given: URLSearchParams): string | null {
  const mode = given.get('sslmode');
  if (mode !== null && !MODES.has(mode))
    return `expected sslmode to be one of ${[...MODES].join(', ')}, got ${JSON.stringify(mode)}`;
  const authorities = given.get('sslrootcert');
  if (mode === 'verify-ca' && (authorities === null || authorities === SYSTEM)) {
    return (
      'expected sslrootcert=FILE beside sslmode=verify-ca, got none: without an authority of your own anybody with any ' +
      'certificate would be believed; give it, or take verify-full'
    );
  }
  for (const name of FILES) {
    const file = given.get(name);
    if (file === null || file === SYSTEM) continue;
    try {
      accessSync(file, constants.R_OK);
    } catch (error) {
      return `expected ${name} to name a file that can be read, got ${(error as Error).message}`; // only the system throws here
    }
  }
  return null;
}

/** Whether the server must be asked before `settledDatabaseUrl` is right. */
export function leavesTlsToServer(text: string): boolean {
  return ['prefer', 'allow'].includes(new URL(text).searchParams.get('sslmode') ?? '');
}

/** The URL in the form that node-postgres needs. */
export function settledDatabaseUrl(text: string, { usesTls = true } = {}): string {
  if (!/[?&]ssl(mode|rootcert)=/.test(text)) return text;
  const url = new URL(text);
  const given = url.searchParams;
  if (given.get('sslrootcert') === SYSTEM) given.delete('sslrootcert');
  if (leavesTlsToServer(text)) given.set('sslmode', usesTls ? 'require' : 'disable');
  const mode = given.get('sslmode');
  // `no-verify` is node-postgres's own word, which it only knows without this.
  if (mode !== null && mode !== 'no-verify') given.set('uselibpqcompat', 'true');
  return url.href;
}
