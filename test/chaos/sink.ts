// What have the replicas really called? An HTTP endpoint of the harness, the target of the job types `call`, `push` and
// `later`, keeps an account of its own: which attempt of which run began when, by the harness's clock, and whether it
// was answered or given up by the caller. What the payload asks for is refused at first, or answered with 202 and
// ended over REST when the work is done.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as rest } from 'node:timers/promises';
import { json } from 'node:stream/consumers';
import { endOutside, type LastWord } from './last-word.js';
import type { SpellBook } from './spells.js';

export interface SinkCall {
  readonly run: string;
  readonly attempt: number;
  readonly startedAtMs: number;
  /** Null while it is under way. */
  endedAtMs: number | null;
  ending: 'answered' | 'given-up' | null;
  /** When it was told to come back, at the earliest. */
  notBeforeMs: number | null;
}

interface Wish {
  readonly ms?: number;
  /** The first so many calls of a run are refused. */
  readonly refusals?: number;
  readonly later?: boolean;
}

const RETRY_AFTER_SECONDS = 1;

export interface SinkParts {
  spells: SpellBook;
  /** Where the API can be reached now. */
  origins: () => readonly string[];
}

export class Sink {
  readonly calls: SinkCall[] = [];
  readonly words: LastWord[] = [];
  readonly #server: Server;
  readonly #parts: SinkParts;
  readonly #closed = new AbortController();

  private constructor(parts: SinkParts) {
    this.#parts = parts;
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  static async open(parts: SinkParts): Promise<Sink> {
    const sink = new Sink(parts);
    await new Promise<void>((resolve) => sink.#server.listen(0, '127.0.0.1', resolve));
    return sink;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/call`; // a TCP server's address is one
  }

  close(): void {
    this.#closed.abort();
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
      notBeforeMs: null,
    };
    const callsBefore = this.calls.filter((other) => other.run === call.run).length;
    this.calls.push(call);
    const endSpell = this.#parts.spells.begin({ run: call.run, attempt: call.attempt, where: 'endpoint' });
    const end = (ending: 'answered' | 'given-up'): void => {
      call.endedAtMs ??= Date.now();
      call.ending ??= ending;
    };
    let isLater = false;
    response.once('close', () => {
      end(response.writableFinished ? 'answered' : 'given-up');
      if (!isLater) endSpell();
    });
    try {
      const { ms = 0, refusals = 0, later = false } = (await json(request)) as Wish;
      if (callsBefore < refusals) {
        endSpell();
        call.notBeforeMs = Date.now() + RETRY_AFTER_SECONDS * 1_000;
        response.writeHead(503, { 'retry-after': String(RETRY_AFTER_SECONDS) }).end();
      } else if (later) {
        isLater = true;
        response.writeHead(202).end();
        await rest(ms);
        endSpell(); // before the answer: the replica that gets it may start the next one
        await this.#complete(call, String(request.headers['x-callback-url']));
      } else {
        await rest(ms);
        endSpell();
        response.end('{}');
      }
    } catch {
      endSpell();
      end('given-up'); // the caller went away while it was speaking
    }
  }

  /** The replica that called may be gone; any other one takes the word as well. */
  async #complete({ run, attempt }: SinkCall, callbackUrl: string): Promise<void> {
    const word: LastWord = { run, attempt, saidAtMs: Date.now(), heard: 'unheard' };
    this.words.push(word);
    const { pathname } = new URL(callbackUrl);
    const { origins } = this.#parts;
    word.heard = await endOutside({ origins, path: pathname, stopped: this.#closed.signal });
  }
}
