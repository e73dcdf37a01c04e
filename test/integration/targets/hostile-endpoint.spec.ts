// Is a call bounded, in memory and in time, for all that its endpoint does, and is the tenant told why it failed
// without a word about the server? The endpoint writes bytes of the test's own, since no HTTP server would.
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { AttemptStopped } from '#execution/runs/attempt-stopped.js';
import { describeCallFailure } from '#execution/targets/http/call-failure.js';
import { claimedRun } from '../../support/builders.js';
import { RawEndpoint } from '../../support/raw-endpoint.js';
import { until } from '../../support/until.js';

/** What a call may hold of an answer that has no end, with room for the test's own. */
const GROWTH_BYTES_MAX = 64 * 1024 * 1024;

const endpoint = new RawEndpoint();

describe('an endpoint that does not keep to HTTP fails the attempt, with a reason and without a trace:', () => {
  const text = (words: string) => () => endpoint.say(words);

  it.each([
    [
      'a head without end',
      () => endpoint.sayWithoutEnd('HTTP/1.1 200 OK\r\n', 'a: b\r\n'.repeat(1_000)),
      'HPE_HEADER_OVERFLOW',
    ],
    [
      'one huge header',
      () => endpoint.sayWithoutEnd('HTTP/1.1 200 OK\r\na: ', 'x'.repeat(65_536)),
      'HPE_HEADER_OVERFLOW',
    ],
    [
      'a status line without end',
      () => endpoint.sayWithoutEnd('HTTP/1.1 200 ', 'x'.repeat(65_536)),
      'HPE_HEADER_OVERFLOW',
    ],
    [
      'interim answers without end',
      () => endpoint.sayWithoutEnd('', 'HTTP/1.1 100 Continue\r\n\r\n'),
      'HPE_TOO_MANY_INTERIM',
    ],
    ['a NUL in a header', text('HTTP/1.1 200 OK\r\na: \0\r\n\r\n'), 'HPE_INVALID_HEADER_TOKEN'],
    ['no HTTP at all', text('SSH-2.0-OpenSSH_9.6\r\n'), 'HPE_INVALID_CONSTANT'],
    ['HTTP/0.9', () => endpoint.sayAndEnd('<html>welcome</html>'), 'HPE_INVALID_CONSTANT'],
    ['a version that does not exist', text('HTTP/9.9 200 OK\r\n\r\n'), 'HPE_INVALID_VERSION'],
    [
      'TLS where none was asked for',
      () => endpoint.say(Buffer.from([0x15, 3, 1, 0, 2, 2, 70])),
      'HPE_INVALID_CONSTANT',
    ],
    [
      'two lengths',
      text('HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nx'),
      'HPE_UNEXPECTED_CONTENT_LENGTH',
    ],
    [
      'a length that is no number',
      text('HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\nx'),
      'HPE_INVALID_CONTENT_LENGTH',
    ],
    [
      'a chunk without a size',
      text('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n'),
      'ECONNRESET',
    ],
    [
      'an upgrade',
      text('HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'),
      'HPE_UNASKED_UPGRADE',
    ],
    ['it hangs up at once', () => endpoint.sayAndEnd(''), 'ECONNRESET'],
    ['it hangs up in the head', () => endpoint.sayAndEnd('HTTP/1.1 200 OK\r\ncontent-'), 'ECONNRESET'],
    [
      'it hangs up in the body',
      () => endpoint.sayAndEnd('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx'),
      'ECONNRESET',
    ],
    [
      'it hangs up between chunks',
      () => endpoint.sayAndEnd('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n'),
      'ECONNRESET',
    ],
    [
      'it resets the connection after the head',
      () => {
        endpoint.act = (socket) =>
          void socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx', () => socket.resetAndDestroy());
      },
      'ECONNRESET',
    ],
  ])('%s', async (_, prepare, code) => {
    prepare();
    const before = process.memoryUsage().rss;
    const error: unknown = await endpoint.call().then(
      (result) => `expected no answer, got ${JSON.stringify(result)}`,
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ code });
    const described = describeCallFailure(error, 'http://shown/');
    expect(described.message).toMatch(/^expected an answer from http:\/\/shown\/, but (the|there|its) /);
    expect(Object.keys(described)).toEqual(['name', 'message']);
    expect(process.memoryUsage().rss - before).toBeLessThan(GROWTH_BYTES_MAX);
  });

  it('https at a server that speaks none', async () => {
    endpoint.onConnection = (socket) => void socket.write('HTTP/1.1 400 Bad Request\r\n\r\n');
    const error: unknown = await endpoint.call({ scheme: 'https' }).catch((reason: unknown) => reason);
    expect(describeCallFailure(error, 'x').message).toMatch(
      /TLS could not be agreed on \((EPROTO|ERR_SSL_\w+)\)$/,
    );
  });
});

const stopped = new AttemptStopped('timeout', 'the attempt took longer than its timeout');

describe('an endpoint that takes its time is left when the attempt is over:', () => {
  it.each([
    ['it never answers', []],
    ['its head comes a byte at a time', ['H', 'T']],
    ['it says 100 and no more', ['HTTP/1.1 100 Continue\r\n\r\n']],
    ['its body comes a byte at a time', ['HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n', 'x']],
    ['its last chunk never comes', ['HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n', '1\r\nx\r\n']],
    [
      'its gzip never ends',
      ['HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n', gzipSync('x').subarray(0, 12)],
    ],
  ])('%s', async (_, parts) => {
    const reached = Promise.withResolvers<void>();
    endpoint.act = (socket) => {
      for (const part of parts) socket.write(part);
      socket.once('close', () => gone.resolve());
      reached.resolve();
    };
    const gone = Promise.withResolvers<void>();
    const abort = new AbortController();
    const result = endpoint.call({ signal: abort.signal });
    await reached.promise;
    abort.abort(stopped);
    await expect(result).rejects.toBe(stopped);
    await gone.promise;
  });

  it('also while it still waits for a connection', async () => {
    const outlet = endpoint.outlet(1);
    const reached = Promise.withResolvers<void>();
    endpoint.act = () => reached.resolve();
    const [first, second] = [new AbortController(), new AbortController()];
    const run = claimedRun();
    const holding = endpoint.call({ outlet, run, signal: first.signal });
    await reached.promise;
    const waiting = endpoint.call({ outlet, run, signal: second.signal });
    second.abort(stopped);
    await expect(waiting).rejects.toBe(stopped);
    first.abort(stopped);
    await expect(holding).rejects.toBe(stopped);
    outlet.destroy();
  });
});

describe.each(['http', 'https'])('a tenant whose calls by %s take long', (scheme) => {
  // Its own: Node connects once more for a call that was stopped while it waited for a connection.
  const slowEndpoint = new RawEndpoint();

  it('has no more connections than it may, and keeps no other tenant from the same origin', async () => {
    const outlet = slowEndpoint.outlet(2);
    const stop = new AbortController();
    const run = claimedRun();
    const slow = Array.from({ length: 5 }, () =>
      slowEndpoint.call({ scheme, outlet, run, signal: stop.signal }),
    );
    await until('as many are connected as may', () => slowEndpoint.connections.length === 2);
    const other = slowEndpoint.call({ scheme, outlet, signal: stop.signal });
    await until('the other one is, too', () => slowEndpoint.connections.length === 3);
    stop.abort(stopped);
    const reasons = await Promise.all(
      [...slow, other].map((call) => call.catch((reason: unknown) => reason)),
    );
    expect(reasons).toEqual(Array.from({ length: 6 }, () => stopped));
    outlet.destroy();
  });
});
