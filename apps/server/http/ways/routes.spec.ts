// Does a request go straight to the route that Express would find, with the same parameters?
import { createServer, request as ask, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ExpressAdapter } from '@nestjs/platform-express';
import type { Express, Request, Response } from 'express';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { answerMethods, goToRoute } from './routes.js';
import { inTurn } from './steps.js';

let server: Server;

beforeAll(async () => {
  const adapter = new ExpressAdapter();
  const app = adapter.getInstance<Express>();
  app.use(inTurn([answerMethods({ getHttpAdapter: () => adapter }), goToRoute]));
  app.use((_request: Request, response: Response) => void response.end('between'));
  const tell = (name: string) => (request: Request, response: Response) =>
    void response.end(`${name} ${JSON.stringify(request.params)}`);
  app.get('/api/v1/a', tell('list'));
  app.post('/api/v1/a', tell('make'));
  app.get('/api/v1/a/:name', tell('one'));
  app.get('/api/v1/a/all', tell('never'));
  app.post(String.raw`/api/v1/a/:name\:stop`, tell('stop'));
  app.get(String.raw`/api/v1/a/:name\:ask`, tell('ask'));
  app.post(String.raw`/api/v1/a/:name\:ask`, tell('ask'));
  app.post(String.raw`/api/v1/a\:count`, tell('count'));
  app.use((error: Error, _request: Request, response: Response, _next: unknown) => {
    response.statusCode = 400;
    response.end(error.message);
  });
  server = createServer(app);
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
});

afterAll(() => new Promise((resolve) => void server.close(resolve)));

async function answerTo(method: string, path: string): Promise<string> {
  const { port } = server.address() as AddressInfo; // it listens
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  ask({ port, method, path, agent: false }, (response) => {
    let body = '';
    response.setEncoding('utf8').on('data', (part: string) => (body += part));
    response.on('end', () => resolve(`${response.statusCode} ${body}${response.headers.allow ?? ''}`));
  })
    .on('error', reject)
    .end();
  return promise;
}

it.each([
  ['GET', '/api/v1/a', '200 list {}'],
  ['POST', '/api/v1/a', '200 make {}'],
  ['GET', '/API/v1/A/?x=1', '200 list {}'],
  ['GET', '/api/v1/a/b%20c', '200 one {"name":"b c"}'],
  ['GET', '/api/v1/a/all', '200 one {"name":"all"}'],
  ['POST', '/api/v1/a/b:stop', '200 stop {"name":"b"}'],
  ['POST', '/api/v1/a:count', '200 count {}'],
  ['HEAD', '/api/v1/a/b', '200 '],
  ['OPTIONS', '/api/v1/a', '204 GET, HEAD, POST, OPTIONS'],
  ['PUT', '/api/v1/a', '400 expected one of GET, HEAD, POST, OPTIONS, got PUT'],
  ['GET', '/api/v1/a/b:stop', '400 expected one of POST, OPTIONS, got GET'],
  ['GET', '/api/v1/a/b:go', '400 expected one of the verbs ask, stop, got /api/v1/a/b:go'],
  ['POST', '/api/v1/b/b:go', '400 expected a path without a verb, got /api/v1/b/b:go'],
  ['POST', '/api/v1/a:go/', '400 expected one of the verbs count, got /api/v1/a:go/'],
  ['GET', '/api/v1/a/%ff', "400 Failed to decode param '%ff'"],
  ['GET', '/api/v1/a/b/c', '200 between'],
  ['GET', '/docs', '200 between'],
  ['GET', '/docs/%ff', '400 expected a path whose percent-escapes are UTF-8, got /docs/%ff'],
])('%s %s is answered with %s', async (method, path, answer) => {
  expect(await answerTo(method, path)).toBe(answer);
});
