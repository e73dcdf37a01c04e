// Answers a request that is no HTTP, and so reaches no route. Node would send a bare status; this sends a problem
// like any other, with the expected and the received. Then it closes the connection, because the start of the next
// request is unknown.
import { randomUUID } from 'node:crypto';
import {
  maxHeaderSize,
  STATUS_CODES,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { Socket } from 'node:net';
import type { RequestHandler } from 'express';
import { systemClock } from '#database/runtime/system-clock.js';
import { ProblemError, problemBody, PROBLEM_MEDIA_TYPE } from './problem.js';

export function answerUnparsed(server: Server): void {
  /** The last answer that was begun on a connection. */
  const answers = new WeakMap<Socket, ServerResponse>();
  server.on('request', ({ socket }, response: ServerResponse) => void answers.set(socket, response));
  server.on('clientError', (error: Error, socket: Socket) => {
    const { headersSent = false, writableFinished = true } = answers.get(socket) ?? {};
    // Bytes written now would become a part of the answer under way.
    const isAnswering = headersSent && !writableFinished;
    if (socket.writable && !isAnswering && codeOf(error) !== 'ECONNRESET')
      socket.write(answerTo(error, server));
    socket.destroySoon();
  });
  server.on('checkExpectation', ({ url = '/', headers }: IncomingMessage, response: ServerResponse) => {
    const detail = `expected no Expect header but 100-continue, got ${JSON.stringify(headers.expect)}`;
    const { status, headers: sent, body } = rendered(new ProblemError('expectation-failed', detail), url);
    response.writeHead(status, { ...sent, connection: 'close' }).end(body);
  });
  // Node's own answer to a request without a Host has no body; requireHost's has. Its types have the option, but not
  // the property.
  Object.assign(server, { requireHostHeader: false });
}

/** Required by RFC 9112 for HTTP/1.1. */
export const requireHost: RequestHandler = ({ headers, httpVersion }, _response, next): void => {
  if (headers.host !== undefined || httpVersion !== '1.1') return next();
  next(new ProblemError('bad-request', 'expected a Host header, got none'));
};

function answerTo(error: Error, server: Server): string {
  const { status, headers, body } = rendered(problemOf(error, server), '/');
  const lines = Object.entries({ ...headers, connection: 'close', date: systemClock.now().toUTCString() });
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${head}\r\n${body}`;
}

function problemOf(error: Error, { headersTimeout, requestTimeout }: Server): ProblemError {
  switch (codeOf(error)) {
    case 'HPE_HEADER_OVERFLOW':
      return new ProblemError(
        'head-too-large',
        `expected a request line and headers of at most ${maxHeaderSize} bytes, got more`,
      );
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return new ProblemError(
        'payload-too-large',
        'expected chunks with short extensions or none, got longer ones',
      );
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new ProblemError(
        'request-timeout',
        `expected the headers within ${headersTimeout / 1_000} s and all of the request within ${requestTimeout / 1_000} s, got only a part`,
      );
    default: {
      const reason = 'reason' in error && typeof error.reason === 'string' ? error.reason : error.message;
      return new ProblemError('bad-request', `expected an HTTP/1.1 request, got something else: ${reason}`);
    }
  }
}

function codeOf(error: Error): unknown {
  return 'code' in error ? error.code : undefined;
}

function rendered(problem: ProblemError, instance: string) {
  const requestId = randomUUID();
  const body = JSON.stringify(problemBody(problem, { instance, requestId }));
  const headers = {
    'content-type': PROBLEM_MEDIA_TYPE,
    'content-length': Buffer.byteLength(body),
    'x-request-id': requestId,
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
  };
  return { status: problem.status, headers, body };
}
