// Which bodies are read without a parser, and what comes of one that ends too soon?
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import type { Request, Response } from 'express';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readPlainBody } from './plain-body.js';

let server: Server;
/** What became of each request: its body, if it took the way, or the error that it ended with. */
const seen: unknown[] = [];

beforeAll(async () => {
  const read = readPlainBody(({ body }: { body?: unknown }, response) => {
    seen.push(Buffer.isBuffer(body) ? body.toString() : body);
    response.end('way');
  });
  server = createServer((request, response) =>
    read(request as Request, response as Response, (error?: unknown) => {
      seen.push(error instanceof Error ? error.message : 'unread');
      response.end('on');
    }),
  );
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
});

afterAll(() => new Promise((resolve) => void server.close(resolve)));

/** Sends the parts one by one, and closes its side. */
async function send(headers: string, ...parts: string[]): Promise<unknown> {
  seen.length = 0;
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1'); // it listens
  const { promise, resolve } = Promise.withResolvers<void>();
  socket.on('close', () => resolve()).resume();
  socket.write(`POST /api/v1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${headers}\r\n`);
  for (const part of parts) {
    await new Promise(setImmediate);
    socket.write(part);
  }
  socket.end();
  await promise;
  await new Promise(setImmediate);
  return seen;
}

const JSON_TYPE = 'Content-Type: application/json\r\n';

it.each([
  ['small JSON', `${JSON_TYPE}Content-Length: 2\r\n`, ['{}'], '{}'],
  ['in several parts', `${JSON_TYPE}Content-Length: 7\r\n`, ['{"a"', ':1}'], '{"a":1}'],
  ['without a byte', `${JSON_TYPE}Content-Length: 0\r\n`, [], ''],
  ['none', '', [], undefined],
  ['of another type', 'Content-Type: text/plain\r\nContent-Length: 2\r\n', ['{}'], 'unread'],
  [
    'that says it is compressed',
    `${JSON_TYPE}Content-Encoding: gzip\r\nContent-Length: 2\r\n`,
    ['{}'],
    'unread',
  ],
  ['in chunks', `${JSON_TYPE}Transfer-Encoding: chunked\r\n`, ['2\r\n{}\r\n0\r\n\r\n'], 'unread'],
  ['of lines', 'Content-Type: application/x-ndjson\r\nContent-Length: 2\r\n', ['{}'], 'unread'],
  ['that may be large', `${JSON_TYPE}Content-Length: 65537\r\n`, ['x'.repeat(65_537)], 'unread'],
])('a body %s', async (_, headers, parts, outcome) => {
  expect(await send(headers, ...parts)).toEqual([outcome]);
});

it('a body whose sender hangs up ends with one error', async () => {
  expect(await send(`${JSON_TYPE}Content-Length: 9\r\n`, '{"a"')).toEqual([
    'expected all of the body, got a closed connection',
  ]);
});

it.each(['application/json', 'text/plain'])(
  'a body of %s whose sender had hung up before is none',
  (type) => {
    const headers = { 'content-length': '9', 'content-type': type };
    const gone = { headers, destroyed: true } as unknown as Request; // of a request that is gone nothing else is asked
    const taken: unknown[] = [];
    const read = readPlainBody(() => taken.push('way'));
    read(gone, {} as Response, (error?: unknown) => taken.push(error instanceof Error));
    expect(taken).toEqual([true]);
  },
);
