// What does a caller hear whose request never comes to a route, because it is no HTTP or its path leads nowhere? A
// problem like any other, and then the connection ends.
import { describe, expect, it } from 'vitest';
import { problem } from '#server/http/problems/problem.js';
import { expectProblem, type Problem } from '../../../support/expect-problem.js';
import { sendRaw } from '../../../support/raw-request.js';
import { useTestServer } from '../../../support/test-server.js';

const server = useTestServer();

describe('a path', () => {
  it.each(['/api/v1/tenants/%E0%A4%A', '/api/v1/tenants/%', '/nothing/%ff'])(
    'whose escapes are no text (%s) is told so',
    async (path) => {
      const answer = await sendRaw(
        server.url,
        `GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer x\r\nConnection: close\r\n\r\n`,
      );
      expect(problemOf(answer)).toMatchObject({
        status: 400,
        detail: `expected a path whose percent-escapes are UTF-8, got ${path}`,
      });
    },
  );

  it.each(['/api/v1//tenants', '/api/v1/nothing', '/nothing'])(
    'that is not served (%s) is told so',
    async (path) => {
      const { detail } = expectProblem(await server.admin.get(path), 'not-found');
      expect(detail).toBe(`expected a path that is served here, got ${path}`);
    },
  );
});

describe('what is no HTTP', () => {
  const head = 'POST /api/v1/tenants HTTP/1.1\r\nHost: x\r\n';
  it.each([
    ['both lengths', `${head}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}`, 400],
    ['two lengths', `${head}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`, 400],
    [
      'a chunk of no size',
      `${head}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`,
      400,
    ],
    ['no Host', 'GET /healthz/live HTTP/1.1\r\nConnection: close\r\n\r\n', 400],
    ['a control character in a header', `${head}X-A: a\u0001b\r\n\r\n`, 400],
    ['no request line', 'hello\r\n\r\n', 400],
    ['a head over the limit', `${head}X-A: ${'a'.repeat(20_000)}\r\n\r\n`, 431],
    [
      'an expectation that is not met',
      `${head}Expect: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
      417,
    ],
  ])('(%s) is told what was expected and what was got', async (_what, request, status) => {
    const answer = await sendRaw(server.url, request);
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    expect(answer).toMatch(/^content-type: application\/problem\+json/im);
    const problem = problemOf(answer);
    expect(problem).toMatchObject({ status, detail: expect.stringMatching(/^expected .*, got /) as string });
    expect(answer).toMatch(new RegExp(`^x-request-id: ${problem.requestId}`, 'im'));
  });

  it('of version 1.0 needs no Host', async () => {
    expect(await sendRaw(server.url, 'GET /healthz/live HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('is answered once, and then its connection is closed', async () => {
    const answer = await sendRaw(
      server.url,
      `GET /healthz/live HTTP/1.1\r\nHost: x\r\n\r\nhello\r\n\r\nhello\r\n\r\n`,
    );
    expect(answer.match(/application\/problem\+json/g)).toHaveLength(1);
  });
});

/** Of an answer as it came in. */
function problemOf(answer: string): Problem {
  return problem.parse(JSON.parse(answer.slice(answer.lastIndexOf('\r\n\r\n') + 4)));
}
