// A proxy in front of a replica, which can break the connections to it, and lose requests or answers.
import { once } from 'node:events';
import { createServer, request as send, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** Lets a request through, loses its answer, or loses the request. */
export type Way = 'open' | 'deaf' | 'shut';

interface HttpProxy {
  readonly url: string;
  /** Decides about each request, which counts as asked. */
  way: (request: IncomingMessage) => Way | Promise<Way>;
  asked: number;
  /** Breaks all connections. */
  cut(): void;
}

/** Until the test has ended. */
export async function startHttpProxy({ url }: { url: string }): Promise<HttpProxy> {
  const server = createServer((request, response) => void pass(request, response));
  const pass = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    proxy.asked += 1;
    const way = await proxy.way(request);
    if (way === 'shut') return void request.socket.destroy();
    const { method, headers } = request;
    const onward = send(new URL(request.url ?? '', url), { method, headers }, (answer) => {
      if (way === 'deaf') return void request.socket.destroy();
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    request.pipe(onward);
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const proxy: HttpProxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    way: () => 'open',
    asked: 0,
    cut: () => server.closeAllConnections(),
  };
  return proxy;
}
