// The server that the demo's HTTP target calls, as a user's own would be. It answers each POST to /hook with a count,
// which becomes the run's output.
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Part } from '../processes/shutdown.js';

const HOST = '127.0.0.1';

export class Receiver implements Part {
  #received = 0;
  readonly #server: Server = createServer((request, response) => {
    request.resume();
    const isCall = request.method === 'POST' && request.url === '/hook';
    if (isCall) this.#received += 1;
    response.writeHead(isCall ? 200 : 404, { 'content-type': 'application/json' });
    response.end(JSON.stringify(isCall ? { received: this.#received } : { expected: 'POST /hook' }));
  });

  get received(): number {
    return this.#received;
  }

  /** The URL to call; only once it has started. */
  get url(): string {
    const { port } = this.#server.address() as AddressInfo; // a listening TCP server always has one
    return `http://${HOST}:${port}/hook`;
  }

  /** On another port when the wanted one is taken. */
  async start(wantedPort: number): Promise<void> {
    await this.#listen(wantedPort).catch(() => this.#listen(0));
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #listen(port: number): Promise<void> {
    await once(this.#server.listen(port, HOST), 'listening');
  }
}
