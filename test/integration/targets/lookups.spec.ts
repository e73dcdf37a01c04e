// Are hosts of tenants looked up in the DNS alone, and does one whose name server is silent hold up no other?
import { lookup as lookUpBySystem } from 'node:dns/promises';
import type { LookupFunction } from 'node:net';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { GuardedOutlet, CALLS_PER_HOST } from '#execution/endpoints/guarded-outlet.js';
import { publicLookup } from '#execution/endpoints/public-lookup.js';
import { callHttp } from '#execution/targets/http/http-target.js';
import { claimedRun, jobContext, pushed } from '../../support/builders.js';
import { startNameServer } from '../../support/name-server.js';

const NAMES = {
  'both.example': ['93.184.215.14', '2606:2800:021f:cb07:6820:80da:af6b:8b2c', '10.0.0.1'],
  'inside.example': ['10.0.0.1', '127.0.0.1'],
  'nothing.example': [],
  'slow.example': 'silent',
} as const;

const open = async (): Promise<LookupFunction> => publicLookup([await startNameServer(NAMES)]);
const ask = (lookup: LookupFunction, name: string, options: object = {}): Promise<unknown> =>
  promisify(
    lookup as (name: string, options: object, done: (error: Error | null, found: unknown) => void) => void,
  )(name, { all: true, ...options });

it('finds the public addresses of both families, or of one', async () => {
  const lookup = await open();
  const [v4, v6] = [
    { address: '93.184.215.14', family: 4 },
    { address: '2606:2800:21f:cb07:6820:80da:af6b:8b2c', family: 6 },
  ];
  expect(await ask(lookup, 'both.example')).toEqual(expect.arrayContaining([v4, v6]));
  expect(await ask(lookup, 'both.example')).toHaveLength(2);
  expect(await ask(lookup, 'both.example', { family: 6 })).toEqual([v6]);
  expect(await ask(lookup, 'both.example', { family: 4, all: false })).toBe(v4.address);
});

it('refuses a name that means internal addresses, and tells them to the log alone', async () => {
  const error: unknown = await ask(await open(), 'inside.example').catch((reason: unknown) => reason);
  expect(error).toMatchObject({
    name: 'BlockedAddress',
    message: expect.not.stringContaining('10.0.0.1') as unknown,
    detail: expect.stringContaining('the name means 10.0.0.1, 127.0.0.1') as unknown,
  });
});

it('says whether the DNS knows no such host, or can not be asked', async () => {
  const lookup = await open();
  await expect(ask(lookup, 'unknown.example')).rejects.toMatchObject({ code: 'ENOTFOUND' });
  await expect(ask(lookup, 'nothing.example')).rejects.toMatchObject({ code: 'ENOTFOUND' });
  await expect(ask(lookup, 'slow.example')).rejects.toMatchObject({ code: 'EAI_AGAIN' });
});

it('a host that is never answered about holds up neither the look-ups of others nor the threads of the process', async () => {
  const lookup = await open();
  const outlet = new GuardedOutlet(new Set(), CALLS_PER_HOST, lookup);
  const target = { kind: 'http', url: 'http://slow.example/', headers: {} } as const;
  const slow = Array.from({ length: 40 }, () => {
    const run = claimedRun();
    return callHttp({ target, run, context: jobContext(run), outlet, ...pushed() });
  });
  const others = Promise.all([
    ask(lookup, 'both.example'),
    ...Array.from({ length: 4 }, () => lookUpBySystem('localhost')),
  ]);
  const first = await Promise.race([
    others.then(() => 'others'),
    Promise.allSettled(slow).then(() => 'slow'),
  ]);
  expect(first).toBe('others');
  for (const call of slow) await expect(call).rejects.toMatchObject({ code: 'EAI_AGAIN' });
  outlet.destroy();
});
