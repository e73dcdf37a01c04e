// What does an endpoint do that no HTTP server would? It is a bare TCP server that reads a whole request and then does what
// the test says, once for each request, with an outlet that reaches it and nothing else inside.
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import type { ClaimedRun } from '#execution/runs/claimed-run.js';
import type { AttemptResult } from '#execution/runs/decisions/run-transition.js';
import { GuardedOutlet } from '#execution/endpoints/guarded-outlet.js';
import { callHttp } from '#execution/targets/http/http-target.js';
import { claimedRun, jobContext, pushed } from './builders.js';

export type Part = string | Buffer;

/** Set up for all tests of a file. */
export class RawEndpoint {
  readonly #server = createServer((socket) => this.#serve(socket));
  /** Of the test at hand. */
  connections: Socket[] = [];
  act: (socket: Socket) => void = () => undefined;
  onConnection: (socket: Socket) => void = () => undefined;
  #outlet = new GuardedOutlet(new Set());

  constructor() {
    beforeAll(async () => {
      this.#server.listen(0, '127.0.0.1');
      await once(this.#server, 'listening');
    });
    afterAll(async () => {
      this.#server.close();
      await once(this.#server, 'close');
    });
    beforeEach(() => {
      this.connections = [];
      this.onConnection = () => undefined;
      this.#outlet = this.outlet();
      return () => {
        this.#outlet.destroy();
        for (const socket of this.connections) socket.destroy();
      };
    });
  }

  get #place(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`; // a TCP server that listens has one
  }

  outlet(callsPerHost?: number): GuardedOutlet {
    return new GuardedOutlet(new Set([this.#place]), callsPerHost);
  }

  async call({
    scheme = 'http',
    signal,
    outlet = this.#outlet,
    run = claimedRun({ payload: {} }),
  }: {
    scheme?: string;
    signal?: AbortSignal;
    outlet?: GuardedOutlet;
    run?: ClaimedRun;
  } = {}): Promise<AttemptResult> {
    const target = { kind: 'http', url: `${scheme}://${this.#place}/hook`, headers: {} } as const;
    return callHttp({ target, run, context: jobContext(run, signal), outlet, ...pushed() });
  }

  say(...parts: Part[]): void {
    this.act = (socket) => {
      for (const part of parts) socket.write(part);
    };
  }

  sayAndEnd(text: string): void {
    this.act = (socket) => void socket.end(text);
  }

  /** Goes on for as long as a client listens. */
  sayWithoutEnd(head: string, again: string): void {
    this.act = (socket) => {
      socket.write(head);
      const write = (): void => {
        while (socket.writable && socket.write(again));
      };
      socket.on('drain', write);
      write();
    };
  }

  #serve(socket: Socket): void {
    this.connections.push(socket);
    this.onConnection(socket);
    let heard = '';
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      heard += chunk.toString('latin1');
      if (!heard.endsWith('\r\n\r\n{}')) return;
      heard = '';
      this.act(socket);
    });
  }
}
