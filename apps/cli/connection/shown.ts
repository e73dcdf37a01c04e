// A connection in words, for `config show` and for the help of each command.
import type { Connection } from './connection.js';

/** What tells a key from others, and is no secret: its kind and the tenant. */
const KEY_KIND = /^sk_[a-z0-9-]{1,63}_/;

export function connectionLines({ urls, tenant, key }: Connection): Record<string, string> {
  return {
    url: urls === null ? 'none' : `${urls.value.map(withoutPassword).join(',')} (${urls.from})`,
    tenant: tenant === null ? 'none: the only one that the key sees' : `${tenant.value} (${tenant.from})`,
    key: key === null ? 'none' : `${masked(key.value)} (${key.from})`,
  };
}

function masked(key: string): string {
  return `${KEY_KIND.exec(key)?.[0] ?? ''}…`;
}

function withoutPassword(url: string): string {
  return url.replace(/\/\/[^/]*@/, '//…@');
}
