// What have the replicas really called? An HTTP endpoint of the harness, the target of the job type `call`, keeps an
// account of its own: which attempt of which run began when, by the harness's clock, and whether it was answered or
// given up by the caller.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as rest } from 'node:timers/promises';
import { json } from 'node:stream/consumers';

export interface SinkCall {
  readonly run: string;
  readonly attempt: number;
  readonly startedAtMs: number;
  /** Null while it is under way. */
  endedAtMs: number | null;
  ending: 'answered' | 'given-up' | null;
}

export class Sink {
  readonly calls: SinkCall[] = [];
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  static async open(): Promise<Sink> {
    const sink = new Sink();
    await new Promise<void>((resolve) => sink.#server.listen(0, '127.0.0.1', resolve));
    return sink;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/call`; // a TCP server's address is one
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { 'x-run-id': run, 'x-attempt': attempt } = request.headers;
    const call: SinkCall = {
      run: String(run),
      attempt: Number(attempt),
      startedAtMs: Date.now(),
      endedAtMs: null,
      ending: null,
    };
    this.calls.push(call);
    const end = (ending: 'answered' | 'given-up'): void => {
      call.endedAtMs ??= Date.now();
      call.ending ??= ending;
    };
    response.once('close', () => end(response.writableFinished ? 'answered' : 'given-up'));
    try {
      const { ms = 0 } = (await json(request)) as { ms?: number };
      await rest(ms);
      response.end('{}');
    } catch {
      end('given-up'); // the caller went away while it was speaking
    }
  }
}
