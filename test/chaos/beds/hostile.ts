// The bed whose administrator was there before us: every odd setting at once (test/support/odd-database.ts), a login that
// another role is set for, and schemas made ahead. Sessions begin there again and again, after each fault, and each must pin
// what it depends on.
import { makeOdd } from '../../support/odd-database.js';
import type { Bed } from './bed.js';
import { groundOf } from './direct.js';

export const hostile: Bed = {
  name: 'hostile',
  async prepare(_server, databaseUrl) {
    const template = new URL(databaseUrl).pathname.slice(1);
    const login = await makeOdd(databaseUrl, { template, mark: 'chaos' });
    return groundOf(Object.assign(new URL(login), { pathname: `/${template}` }).href);
  },
  limited: (kind) => kind,
};
