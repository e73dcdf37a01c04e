// A connection in words, for `config show` and for the help of each command.
import type { Connection } from './connection.js';

/** So much of a key tells it from others, and is no secret: its kind and the tenant. */
const KEY_SHOWN = 12;

export function connectionLines({ urls, tenant, key }: Connection): Record<string, string> {
  return {
    url: urls === null ? 'none' : `${urls.value.join(',')} (${urls.from})`,
    tenant: tenant === null ? 'none: the only one that the key sees' : `${tenant.value} (${tenant.from})`,
    key: key === null ? 'none' : `${masked(key.value)} (${key.from})`,
  };
}

function masked(key: string): string {
  return key.length > 2 * KEY_SHOWN ? `${key.slice(0, KEY_SHOWN)}…` : '…';
}
