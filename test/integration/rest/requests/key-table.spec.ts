// Is the table of keys in docs/SECURITY.md what a server really does? Each route that the API describes is called with
// a key of each kind, and the routes that the table names for it must be exactly those that are not refused.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import type TestAgent from 'supertest/lib/agent.js';
import { operationsOf, readDescription, type Operation } from '../../../support/api-description.js';
import { useTestServer } from '../../../support/test-server.js';
import { createKey, useTenant } from '../../../support/test-tenant.js';

const PAGE = resolve(import.meta.dirname, '../../../../docs/SECURITY.md');
const SOME_ID = '01890a5d-ac96-774b-bcce-b302099a8057';

let operations: Operation[];
const server = useTestServer();
const acme = useTenant(server);

beforeAll(async () => {
  operations = operationsOf(await readDescription(server));
});

/** The routes in a row of the table, such as `POST /tenants` or `/cluster/…`, which stands for all that begins so. */
function namedFor(key: string): string[] {
  const row = readFileSync(PAGE, 'utf8')
    .split('\n')
    .find((line) => line.startsWith(`| ${key}`));
  const [, , may = ''] = row?.split('|') ?? [];
  return [...may.matchAll(/`([^`]+)`/g)].map(([, route = '']) => route);
}

function isNamed(route: string, { method, path }: Operation): boolean {
  const [given = '', verb = method.toUpperCase()] = route.split(' ').toReversed();
  const whole = given.startsWith('/') ? given : `/tenants/{tenant}/worker/${given}`;
  const full = whole.startsWith('/healthz') ? whole : `/api/v1${whole}`;
  const fits = full.endsWith('…') ? path.startsWith(full.slice(0, -1)) : path === full;
  return fits && verb === method.toUpperCase();
}

async function statusOf(api: TestAgent, { method, path }: Operation): Promise<number> {
  const url = path
    .replace('{tenant}', acme.name)
    .replace('{run}', SOME_ID)
    .replace('{key}', SOME_ID)
    .replaceAll(/\{\w+\}/g, 'anything');
  const asked = api[method as 'get'](url);
  const { status } = await (method === 'post' || method === 'patch' ? asked.send({}) : asked);
  return status;
}

const shown = ({ method, path }: Operation): string => `${method} ${path}`;

/** Those that the server treats so. */
async function routesWhere(api: TestAgent, isMeant: (status: number) => boolean): Promise<string[]> {
  const found: string[] = [];
  for (const operation of operations)
    if (isMeant(await statusOf(api, operation))) found.push(shown(operation));
  return found;
}

/** Throws for a name that stands for no route. */
function routesNamed(names: readonly string[]): string[] {
  for (const name of names)
    if (!operations.some((operation) => isNamed(name, operation)))
      throw new Error(`expected the table to name routes that exist, got ${name}`);
  return operations
    .filter((operation) => names.some((name) => isNamed(name, operation)))
    .map((operation) => shown(operation));
}

it("an administrator's alone is what the table says, and all else is a tenant's administrator's, too", async () => {
  const refused = await routesWhere(acme.api, (status) => status === 403);
  expect(refused).toEqual(routesNamed(namedFor('administrator')));
});

it('a worker may use what the table says, and nothing else', async () => {
  const { key } = await createKey(acme.api, acme.path, { role: 'worker' });
  const open = await routesWhere(server.as(key), (status) => status !== 403);
  expect(open).toEqual(routesNamed([...namedFor("a tenant's `worker`"), ...openRoutes()]));
});

it('without a key there is what the table says, and nothing else', async () => {
  const open = await routesWhere(server.anonymous, (status) => status !== 401);
  expect(open).toEqual(routesNamed(openRoutes()));
});

function openRoutes(): string[] {
  // The description's own routes do not describe themselves.
  return namedFor('none |').filter((name) => !/^\/(docs|openapi)/.test(name));
}
