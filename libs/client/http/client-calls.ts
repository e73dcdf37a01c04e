// The calls of a client, each to the replica that serves the tenant as far as that is known. A call that a replica leaves
// without an answer, or can't answer just now, is repeated at the others, if it may be: done twice it must be the same as
// done once. Between rounds it rests for longer and longer.
import { randomInt } from 'node:crypto';
import { rest } from '#client/worker/worker-calls.js';
import { ApiProblem, NoAnswer } from './api-problem.js';
import type { CheckedOptions } from './client-options.js';
import { ReplicaChoice } from './replica-choice.js';

export interface ApiCall {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below the path of the tenant; with a slash in front below that of the API. */
  path: string;
  /** JSON. */
  body?: string | undefined;
  headers?: Readonly<Record<string, string>>;
  /** Done twice it is the same as done once. */
  isRepeatable: boolean;
  /** How long the replica is asked to wait. */
  waitMs?: number;
  signal?: AbortSignal | undefined;
}

/** An answer that goes on: server-sent events. */
export interface EventAnswer {
  body: ReadableStream<Uint8Array>;
  /** Ends it; reading it rejects with the reason then. */
  end: (reason: unknown) => void;
  /** The replica has left it unfinished: the next call goes to another one. */
  leave: () => void;
}

const EVENT_STREAM = 'text/event-stream';
const NO_CONTENT = 204;
const TRIES_MAX = 10;
/** A replica that has not answered by then may be frozen, and another one is asked. */
const ANSWER_MS = 12_000;
const PAUSE_MS = { first: 100, last: 2_000 };
/** The request was never sent. */
const NOT_SENT: ReadonlySet<unknown> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

export class ClientCalls {
  readonly #choice: ReplicaChoice;
  /** Private to the engine as well: the key is to be in no dump of a client. */
  readonly #options: CheckedOptions;

  constructor(options: CheckedOptions) {
    this.#options = options;
    this.#choice = new ReplicaChoice(options.bases, options.origins);
  }

  /** Rejects with ApiProblem, with NoAnswer, or with the signal's reason. */
  async call<Answer>(call: ApiCall): Promise<Answer> {
    return (await this.#insist(call, (base, ending) => this.#ask(base, call, ending))) as Answer; // as the API describes it
  }

  /** Rejects in the same way before the answer has begun; then the call's signal ends it. */
  async openEvents(call: ApiCall): Promise<EventAnswer> {
    return this.#insist(call, (base, ending) => this.#open(base, call, ending));
  }

  async #insist<Answer>(
    call: ApiCall,
    ask: (base: string, ending: AbortSignal) => Promise<Answer>,
  ): Promise<Answer> {
    const { signal, waitMs = 0 } = call;
    // Where a replica was frozen while it waited, another one waits as long.
    const over = AbortSignal.timeout(Math.ceil(this.#options.timeoutMs + 2 * waitMs));
    const ending = AbortSignal.any([over, ...(signal === undefined ? [] : [signal])]);
    const tried = new Set<string>();
    let pauseMs = PAUSE_MS.first;
    let mayBeDone = false;
    for (let tries = 1; ; tries += 1) {
      signal?.throwIfAborted();
      const base = this.#choice.next(tried) ?? '';
      tried.add(base);
      try {
        return await ask(base, ending);
      } catch (error) {
        signal?.throwIfAborted();
        const failure = error instanceof ApiProblem ? error : noAnswer(error, base);
        const isTransient = failure instanceof NoAnswer || failure.isTransient;
        if (!isTransient) {
          if (mayBeDone && isGone(call, failure)) return {} as Answer; // a deletion has none
          throw failure;
        }
        mayBeDone ||= !isUndone(failure);
        if (failure instanceof NoAnswer || failure.status >= 500) this.#choice.failed(base);
        const mayRepeat = call.isRepeatable || isUndone(failure);
        if (!mayRepeat || over.aborted || tries === TRIES_MAX) throw failure;
        if (this.#choice.next(tried) !== null) continue;
        const wishedMs = failure instanceof ApiProblem ? failure.retryAfterSeconds * 1_000 : 0;
        // Not all at the same time: the others have failed at the same time.
        await rest(Math.max(wishedMs, randomInt(pauseMs / 2, pauseMs)), ending);
        if (over.aborted) throw failure;
        tried.clear();
        pauseMs = Math.min(pauseMs * 2, PAUSE_MS.last);
      }
    }
  }

  async #ask(base: string, call: ApiCall, ending: AbortSignal): Promise<Record<string, unknown>> {
    const limit = AbortSignal.timeout(ANSWER_MS + (call.waitMs ?? 0));
    const response = await this.#send(base, call, AbortSignal.any([ending, limit]));
    // The connection may break before all of it is there.
    const answer = response.status === NO_CONTENT ? {} : jsonIn(await response.text());
    if (!response.ok || answer === null) throw problemOf(response, answer);
    const owner = response.headers.get('carillon-owner');
    if (owner !== null) this.#choice.named(owner);
    return answer;
  }

  async #open(base: string, call: ApiCall, ending: AbortSignal): Promise<EventAnswer> {
    const connection = new AbortController();
    const { signal } = call;
    // Its beginning has the time of an answer, and what follows has no end.
    const begun = AbortSignal.any([ending, AbortSignal.timeout(ANSWER_MS)]);
    const giveUp = (): void => connection.abort(begun.reason);
    begun.addEventListener('abort', giveUp);
    try {
      const headers = { ...call.headers, accept: EVENT_STREAM };
      const response = await this.#send(base, { ...call, headers }, connection.signal);
      const { ok, body } = response;
      if (!ok || body === null || response.headers.get('content-type')?.startsWith(EVENT_STREAM) !== true)
        throw problemOf(response, ok ? null : jsonIn(await response.text()));
      const stop = (): void => connection.abort(signal?.reason);
      signal?.addEventListener('abort', stop);
      return {
        body,
        end: (reason) => {
          signal?.removeEventListener('abort', stop);
          connection.abort(reason);
        },
        leave: () => this.#choice.failed(base),
      };
    } finally {
      begun.removeEventListener('abort', giveUp);
    }
  }

  async #send(
    base: string,
    { method, path, body, headers }: ApiCall,
    signal: AbortSignal,
  ): Promise<Response> {
    const { tenant, key } = this.#options;
    const place = path.startsWith('/') ? path : `/tenants/${encodeURIComponent(tenant)}/${path}`;
    return fetch(`${base}/api/v1${place}`, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body }),
      // It would send the payload to a place that the caller has not listed.
      redirect: 'manual',
      signal,
    });
  }
}

function problemOf(response: Response, answer: Record<string, unknown> | null): ApiProblem {
  return new ApiProblem(response.status, answer ?? {}, retryAfterOf(response));
}

/** What was to be deleted is not there any more. */
function isGone({ method }: ApiCall, { code }: ApiProblem): boolean {
  return method === 'DELETE' && code === 'NOT_FOUND';
}

function isUndone(failure: ApiProblem | NoAnswer): boolean {
  return failure instanceof NoAnswer ? !failure.mayHaveHappened : failure.code === 'REPLICA_BUSY';
}

function noAnswer(error: unknown, base: string): NoAnswer {
  const { message, cause } = error as { message: string; cause?: { code?: unknown; message?: string } };
  const got = cause?.message ? `${message}: ${cause.message}` : message;
  return new NoAnswer(`expected an answer from ${base}, got none (${got})`, {
    mayHaveHappened: !NOT_SENT.has(cause?.code),
    cause: error,
  });
}

/** Null when it is none; each answer of the API is an object. */
function jsonIn(text: string): Record<string, unknown> | null {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === 'object' && body !== null ? { ...body } : null;
  } catch {
    return null;
  }
}

/** At most a day: a timer that is set for over 24 days ends at once. */
function retryAfterOf({ headers }: Response): number {
  const seconds = Number(headers.get('retry-after'));
  return Number.isFinite(seconds) ? Math.min(Math.max(seconds, 0), 86_400) : 0;
}
