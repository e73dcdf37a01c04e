// Does a call take all that HTTP lets an endpoint answer, and is an answer that can't be kept told once, within its limit?
// What the endpoint says is written byte by byte, since an HTTP server would say it otherwise.
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { claimedRun } from '../../support/builders.js';
import { RawEndpoint, type Part } from '../../support/raw-endpoint.js';

const ANSWER_BYTES_MAX = 256 * 1024;
/** What a call may hold of an answer that has no end, with room for the test's own. */
const GROWTH_BYTES_MAX = 64 * 1024 * 1024;

const endpoint = new RawEndpoint();

const ok = (headers: string, body: Part): Part[] => [
  `HTTP/1.1 200 OK\r\ncontent-length: ${Buffer.byteLength(body)}\r\n${headers}\r\n`,
  body,
];

describe('HTTP as it may be:', () => {
  const done = 'HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n{"ok":1}';

  it.each([
    ['100 first', `HTTP/1.1 100 Continue\r\n\r\n${done}`],
    ['103 first', `HTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\n\r\n${done}`],
    [
      '100, 102, 103 and 199 first',
      `${[100, 102, 103, 199].map((n) => `HTTP/1.1 ${n} x\r\n\r\n`).join('')}${done}`,
    ],
    [
      'chunks and trailers',
      'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x\r\n\r\n8\r\n{"ok":1}\r\n0\r\nx: y\r\n\r\n',
    ],
    ['a head in two pieces', ['HTTP/1.1 200 OK\r\ncontent-le', 'ngth: 8\r\n\r\n{"ok":1}']],
    ['a body in two pieces', ['HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n{"o', 'k":1}']],
    ['a byte order mark', ok('', '\ufeff{"ok":1}')],
    ['no reason phrase', 'HTTP/1.1 200 \r\ncontent-length: 8\r\n\r\n{"ok":1}'],
    ['gzip', ok('content-encoding: gzip\r\n', gzipSync('{"ok":1}'))],
    ['deflate', ok('content-encoding: Deflate\r\n', deflateSync('{"ok":1}'))],
    ['br', ok('content-encoding: br\r\n', brotliCompressSync('{"ok":1}'))],
    [
      'UTF-16',
      ok('content-type: application/json; charset="utf-16le"\r\n', Buffer.from('{"ok":1}', 'utf16le')),
    ],
  ])('%s', async (_, parts) => {
    endpoint.say(...[parts].flat());
    expect(await endpoint.call()).toEqual({ kind: 'succeeded', output: { ok: 1 } });
  });

  it.each([
    ['nothing in a 204', 'HTTP/1.1 204 No Content\r\n\r\n'],
    ['nothing in a 204 that names a length', 'HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\n'],
    ['nothing, compressed', 'HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 0\r\n\r\n'],
  ])('%s', async (_, text) => {
    endpoint.say(text);
    expect(await endpoint.call()).toEqual({ kind: 'succeeded', output: null });
  });

  it('an answer that ends with the connection', async () => {
    endpoint.sayAndEnd('HTTP/1.1 200 OK\r\n\r\n{"ok":1}');
    expect(await endpoint.call()).toEqual({ kind: 'succeeded', output: { ok: 1 } });
  });

  it('a text in Latin-1 that says so', async () => {
    endpoint.say(...ok('content-type: text/plain; charset=iso-8859-1\r\n', Buffer.from('grün', 'latin1')));
    expect(await endpoint.call()).toEqual({ kind: 'succeeded', output: 'grün' });
  });
});

describe('an answer that will not get better fails once, for good:', () => {
  const bomb = Buffer.alloc(200 * 1024 * 1024);

  it.each([
    [
      'more than 256 KiB',
      () => endpoint.say(...ok('', 'x'.repeat(ANSWER_BYTES_MAX + 1))),
      /at most 262144 bytes, got more/,
    ],
    [
      'a body without end',
      () => endpoint.sayWithoutEnd('HTTP/1.1 200 OK\r\n\r\n', 'x'.repeat(65_536)),
      /at most 262144 bytes/,
    ],
    [
      'a gzip bomb',
      () => endpoint.say(...ok('content-encoding: gzip\r\n', gzipSync(bomb))),
      /at most 262144 bytes/,
    ],
    [
      'a brotli bomb',
      () => endpoint.say(...ok('content-encoding: br\r\n', brotliCompressSync(bomb))),
      /at most 262144 bytes/,
    ],
    [
      'an unknown coding',
      () => endpoint.say(...ok('content-encoding: zip\r\n', 'x')),
      /gzip, deflate or br, got zip$/,
    ],
    [
      'a coding in a coding',
      () => endpoint.say(...ok('content-encoding: gzip, gzip\r\n', 'x')),
      /got gzip, gzip$/,
    ],
    [
      'a coding that it is not in',
      () => endpoint.say(...ok('content-encoding: gzip\r\n', '{}')),
      /by gzip, got one that is not$/,
    ],
    [
      'half of a gzip',
      () => endpoint.say(...ok('content-encoding: gzip\r\n', gzipSync('{"a":1}').subarray(0, 15))),
      /by gzip/,
    ],
    [
      'bytes that are no UTF-8',
      () => endpoint.say(...ok('', Buffer.from([0x22, 0xff, 0x22]))),
      /in utf-8, got bytes/,
    ],
    [
      'an unknown charset',
      () => endpoint.say(...ok('content-type: text/x; charset=klingon\r\n', 'x')),
      /in klingon/,
    ],
    [
      'a number that is lost',
      () => endpoint.say(...ok('', '{"a":[9007199254740993]}')),
      /at \/a\/0, .*9007199254740993/,
    ],
  ])('%s', async (_, prepare, message) => {
    prepare();
    const before = process.memoryUsage().rss;
    expect(await endpoint.call()).toMatchObject({
      kind: 'failed',
      fatal: true,
      error: { name: 'UnfitAnswer', message: expect.stringMatching(message) as string },
    });
    expect(process.memoryUsage().rss - before).toBeLessThan(GROWTH_BYTES_MAX);
  });
});

describe('what comes after an answer', () => {
  it('is never taken for the next one', async () => {
    endpoint.say(
      'HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n1HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\n"forged"',
    );
    expect(await endpoint.call()).toEqual({ kind: 'succeeded', output: 1 });
    endpoint.say('HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n2');
    expect(await endpoint.call()).toEqual({ kind: 'succeeded', output: 2 });
  });

  it('is no reason for a new connection when there is nothing', async () => {
    endpoint.say('HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n1');
    const run = claimedRun({ payload: {} });
    await endpoint.call({ run });
    await endpoint.call({ run });
    expect(endpoint.connections.map(({ destroyed }) => destroyed)).toEqual([false]);
  });
});
