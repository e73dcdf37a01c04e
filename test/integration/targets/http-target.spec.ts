// Does an HTTP target get one honest request, and becomes its answer what HTTP says that it is? Against a server on this
// machine, which the operator has allowed. Addresses that no operator has allowed are tried in internal-addresses.spec.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AttemptStopped } from '#execution/runs/attempt-stopped.js';
import { GuardedOutlet } from '#execution/endpoints/guarded-outlet.js';
import { callHttp } from '#execution/targets/http/http-target.js';
import { claimedRun, jobContext, pushed } from '../../support/builders.js';

const ANSWER_BYTES_MAX = 256 * 1024;
/** The work is done, so it is not done again. */
const TOO_LONG = {
  kind: 'failed',
  fatal: true,
  error: {
    name: 'UnfitAnswer',
    message: expect.stringMatching(/an answer of at most 262144 bytes, got more$/) as unknown,
  },
};
const server = createServer((request, response) => {
  seen.push(request);
  answer(request, response);
});
let port: number;
/** Lets this server through, by its address, besides what is public. */
let open: GuardedOutlet;
/** How the server answers in the test at hand. */
let answer: RequestListener;
let seen: IncomingMessage[];

beforeAll(async () => {
  server.listen(0);
  await once(server, 'listening');
  ({ port } = server.address() as AddressInfo); // a TCP server that listens has one
  open = new GuardedOutlet(new Set(['127.0.0.1']));
});

afterAll(async () => {
  open.destroy();
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

beforeEach(() => {
  seen = [];
  answer = (_request, response) => response.end();
});

interface PushOptions {
  host?: string;
  path?: string;
  headers?: Record<string, string>;
  run?: ReturnType<typeof claimedRun>;
  signal?: AbortSignal;
  outlet?: GuardedOutlet;
}

function call({
  host = '127.0.0.1',
  path = '/hook',
  headers = {},
  run = claimedRun(),
  signal,
  outlet = open,
}: PushOptions = {}) {
  const target = { kind: 'http', url: `http://${host}:${port}${path}`, headers } as const;
  return callHttp({ target, run, context: jobContext(run, signal), outlet, ...pushed() });
}

const answerWith = (
  status: number,
  body: string | Buffer = '',
  headers: Record<string, string> = {},
): void => {
  answer = (_request, response) => response.writeHead(status, headers).end(body);
};

describe('the request', () => {
  it('is one POST of the payload that says which attempt of which run it is', async () => {
    let body = Promise.resolve('');
    answer = (request, response) => {
      body = text(request);
      request.on('end', () => response.end());
    };
    const run = claimedRun({
      payload: { invoice: 'R-1' },
      attempt: 3,
      dueAt: new Date('2026-11-21T08:00:00Z'),
      locks: { books: 17, 'prices.eu': 18 },
    });
    await call({ run, path: '/hook?key=1', headers: { authorization: 'Bearer of-the-tenant' } });
    expect(JSON.parse(await body)).toEqual({ invoice: 'R-1' });
    expect(seen).toHaveLength(1);
    expect(seen[0]).toMatchObject({
      method: 'POST',
      url: '/hook?key=1',
      headers: {
        'content-type': 'application/json',
        'webhook-id': run.id,
        'x-run-id': run.id,
        'x-attempt': '3',
        'x-fencing-token': '3',
        'x-fire-time': '2026-11-21T08:00:00.000Z',
        'carillon-lock-tokens': 'books=17, prices.eu=18',
        authorization: 'Bearer of-the-tenant',
      },
    });
  });

  it('says the truth about itself, whatever headers the tenant has set', async () => {
    const run = claimedRun();
    await call({
      run,
      headers: { 'x-run-id': 'another', 'webhook-id': 'another', 'content-type': 'text/plain' },
    });
    expect(seen[0]?.headers).toMatchObject({
      'x-run-id': run.id,
      'webhook-id': run.id,
      'content-type': 'application/json',
    });
  });

  it('says the truth about itself in whatever case the tenant writes', async () => {
    const run = claimedRun();
    await call({ run, headers: { 'X-Run-Id': 'another', 'Content-Type': 'text/plain' } });
    expect(seen[0]?.headers).toMatchObject({ 'x-run-id': run.id, 'content-type': 'application/json' });
  });
});

describe('an answer', () => {
  it.each([
    ['JSON', 200, '{"sent":3}', { sent: 3 }],
    ['JSON that is only a text', 200, '"sent"', 'sent'],
    ['plain text', 201, 'grün', 'grün'],
    ['nothing', 200, '', null],
    ['nothing at all', 204, '', null],
  ])('of 2xx makes the output: %s', async (_what, status, body, output) => {
    answerWith(status, body);
    expect(await call()).toEqual({ kind: 'succeeded', output });
  });

  it.each([400, 401, 403, 404, 409, 410, 422])('of %d will not get better: it is fatal', async (status) => {
    answerWith(status, 'no such invoice');
    expect(await call()).toEqual({
      kind: 'failed',
      fatal: true,
      error: {
        name: 'HttpStatus',
        message: `expected 2xx from http://127.0.0.1:${port}/hook, got ${status}: no such invoice`,
      },
    });
  });

  it.each([408, 425, 429, 500, 502, 503, 504])('of %d is worth another try', async (status) => {
    answerWith(status, 'later');
    expect(await call()).toMatchObject({ kind: 'failed', fatal: false, error: { name: 'HttpStatus' } });
  });

  it.each([301, 302, 303, 307, 308])('of %d leads nowhere: it is not followed, and fatal', async (status) => {
    answerWith(status, '', { location: '/elsewhere' });
    expect(await call()).toMatchObject({ kind: 'failed', fatal: true });
    expect(seen.map(({ url }) => url)).toEqual(['/hook']);
  });

  it('that explains itself at length is shown in part', async () => {
    answerWith(422, 'x'.repeat(5_000));
    const result = await call();
    expect(result.kind === 'failed' && result.error.message.endsWith(`422: ${'x'.repeat(500)}`)).toBe(true);
  });

  it('may have 256 KiB and not a byte more', async () => {
    answerWith(200, 'x'.repeat(ANSWER_BYTES_MAX));
    expect(await call()).toMatchObject({ kind: 'succeeded' });
    answerWith(200, 'x'.repeat(ANSWER_BYTES_MAX + 1));
    expect(await call()).toMatchObject(TOO_LONG);
  });

  it('that never ends is refused all the same, and its connection closed', async () => {
    const closed = Promise.withResolvers<void>();
    answer = (_request, response) => {
      const write = (): void => {
        while (response.write('x'.repeat(64 * 1024)));
      };
      response.on('drain', write).on('close', () => closed.resolve());
      write();
    };
    expect(await call()).toMatchObject(TOO_LONG);
    await closed.promise;
  });

  it('of 404 is fatal however long it is', async () => {
    answerWith(404, 'x'.repeat(ANSWER_BYTES_MAX + 1));
    expect(await call()).toMatchObject({ kind: 'failed', fatal: true });
  });
});

describe('a server that can not be talked to', () => {
  it('is an error for the attempt to describe: nobody listens', async () => {
    const idle = createServer().listen(0, '127.0.0.1');
    await once(idle, 'listening');
    const { port: free } = idle.address() as AddressInfo; // as above
    idle.close();
    await once(idle, 'close');
    const run = claimedRun();
    const target = { kind: 'http', url: `http://127.0.0.1:${free}/`, headers: {} } as const;
    const result = callHttp({ target, run, context: jobContext(run), outlet: open, ...pushed() });
    await expect(result).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('is an error for the attempt to describe: it hangs up', async () => {
    answer = (request) => request.socket.destroy();
    await expect(call()).rejects.toThrow(/socket|other side|closed/i);
  });
});

describe('a call that is stopped', () => {
  const stopped = new AttemptStopped('timeout', 'the attempt took longer than its timeout');

  it.each([
    ['before an answer', () => undefined],
    [
      'in the middle of an answer',
      (response: Parameters<RequestListener>[1]) => response.write('half of it'),
    ],
  ])('ends at once, with the reason, and the server is hung up on: %s', async (_when, begin) => {
    const [reached, closed] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    answer = (_request, response) => {
      response.on('close', () => closed.resolve());
      begin(response);
      reached.resolve();
    };
    const abort = new AbortController();
    const result = call({ signal: abort.signal });
    await reached.promise;
    abort.abort(stopped);
    await expect(result).rejects.toBe(stopped);
    await closed.promise;
  });

  it('before it began reaches nobody', async () => {
    await expect(call({ signal: AbortSignal.abort(stopped) })).rejects.toBe(stopped);
    expect(seen).toEqual([]);
  });
});
