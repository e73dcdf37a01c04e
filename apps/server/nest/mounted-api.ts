// How is the API served by an application's own HTTP server? Requests below the prefix are handed over before the
// application sees them: its body parsers would eat their bodies, and its guards and pipes are not meant for them. All
// others go on as before, by Express or by Fastify.
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http';

export interface MountedApi {
  /** From now on it answers 503: the replica has ended, and the application is about to. */
  close(): void;
}

export function mountApi(server: Server, prefix: string, handle: RequestListener): MountedApi {
  let isOpen = true;
  const others = server.listeners('request') as RequestListener[];
  server.removeAllListeners('request');
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    if (!isBelow(prefix, request.url ?? '/')) {
      for (const other of others) other.call(server, request, response);
    } else if (isOpen) handle(strip(prefix, request), relocating(prefix, response));
    else response.writeHead(503, { 'retry-after': '1', connection: 'close' }).end();
  });
  return {
    close: () => {
      isOpen = false;
    },
  };
}

function isBelow(prefix: string, url: string): boolean {
  return url.startsWith(prefix) && /^($|[/?])/.test(url.slice(prefix.length));
}

function strip(prefix: string, request: IncomingMessage): IncomingMessage {
  const { url = '/' } = request;
  const rest = url.slice(prefix.length);
  // Express keeps this one where it is set, and problems name it.
  return Object.assign(request, { originalUrl: url, url: rest.startsWith('/') ? rest : `/${rest}` });
}

/**
 * Where a created thing is to be found is told as the caller has to ask for it. Only as the head is written: the API keeps
 * its header with the answer, for a request that is repeated at any replica.
 */
function relocating(prefix: string, response: ServerResponse): ServerResponse {
  const writeHead = response.writeHead.bind(response) as (...head: unknown[]) => ServerResponse; // it is overloaded
  response.writeHead = (...head: unknown[]): ServerResponse => {
    const location = response.getHeader('location');
    if (typeof location === 'string') response.setHeader('location', `${prefix}${location}`);
    return writeHead(...head);
  };
  return response;
}
