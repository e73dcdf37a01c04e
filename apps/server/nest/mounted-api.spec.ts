// Which requests go to an API below a prefix, and with which path?
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { mountApi, type MountedApi } from './mounted-api.js';

let server: Server;
let api: MountedApi;
beforeAll(async () => {
  server = createServer((request, response) => void response.end(`own ${request.url}`));
  api = mountApi(server, '/jobs', (request, response) => {
    response.setHeader('Location', '/api/v1/runs/7');
    response.setHeader('Content-Language', 'en');
    response.setHeader('X-Kept', String(response.getHeader('location')));
    const { originalUrl } = request as { originalUrl?: string };
    response.end(`api ${request.url}, asked for ${originalUrl}`);
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => new Promise((resolve) => void server.close(resolve)));

const ask = (path: string): Promise<Response> => {
  const { port } = server.address() as AddressInfo; // it listens
  return fetch(`http://127.0.0.1:${port}${path}`);
};

it.each([
  ['/jobs/api/v1/runs?n=1', 'api /api/v1/runs?n=1, asked for /jobs/api/v1/runs?n=1'],
  ['/jobs', 'api /, asked for /jobs'],
  ['/jobs?n=1', 'api /?n=1, asked for /jobs?n=1'],
  ['/jobsite', 'own /jobsite'],
  ['/', 'own /'],
  ['/other/jobs/', 'own /other/jobs/'],
])('%s is answered with %s', async (path, answer) => {
  expect(await (await ask(path)).text()).toBe(answer);
});

it('what it has made is told with the prefix', async () => {
  const { headers } = await ask('/jobs/api/v1/runs');
  expect(headers.get('location')).toBe('/jobs/api/v1/runs/7');
  expect(headers.get('content-language')).toBe('en');
  // What the API keeps with its answer has none: a replica with another prefix may give it again.
  expect(headers.get('x-kept')).toBe('/api/v1/runs/7');
});

it('a closed one answers 503, and the rest goes on', async () => {
  api.close();
  const { status, headers } = await ask('/jobs/api/v1/runs');
  expect([status, headers.get('retry-after')]).toEqual([503, '1']);
  expect(await (await ask('/a')).text()).toBe('own /a');
});
