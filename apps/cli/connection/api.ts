// The calls that the client has no method for, such as an administrator's: made as it makes its own, at the next replica
// where one does not answer. A path that begins with a slash lies below `/api/v1`, any other below that of the tenant.
import { ClientCalls, type ApiCall } from '#client/http/client-calls.js';
import { checkedOptions } from '#client/http/client-options.js';
import { itemsOf } from '#client/http/pages.js';
import { withQuery } from '#client/http/paths.js';

type Query = Parameters<typeof withQuery>[1];

export interface ApiOptions {
  readonly urls: readonly string[];
  readonly tenant: string;
  readonly key: string;
  readonly timeoutSeconds: number;
  readonly signal: AbortSignal;
}

export class Api {
  readonly #calls: ClientCalls;
  readonly #signal: AbortSignal;

  constructor({ signal, ...options }: ApiOptions) {
    this.#calls = new ClientCalls(checkedOptions(options));
    this.#signal = signal;
  }

  async get<Answer = Record<string, unknown>>(path: string, query: Query = {}): Promise<Answer> {
    return this.#call({ method: 'GET', path: withQuery(path, query), isRepeatable: true });
  }

  /** `isRepeatable`: done twice it is the same as done once. */
  async post<Answer = Record<string, unknown>>(
    path: string,
    { isRepeatable, ...body }: { isRepeatable: boolean } & Record<string, unknown>,
  ): Promise<Answer> {
    const given = Object.values(body).some((value) => value !== undefined);
    return this.#call({ method: 'POST', path, body: given ? JSON.stringify(body) : undefined, isRepeatable });
  }

  async put<Answer = Record<string, unknown>>(path: string, body: object): Promise<Answer> {
    return this.#call({ method: 'PUT', path, body: JSON.stringify(body), isRepeatable: true });
  }

  /** All pages, one after the other as they are wanted. */
  list(path: string, query: Query = {}): AsyncGenerator<Record<string, unknown>, void, undefined> {
    return itemsOf(this.#calls, { path, query, signal: this.#signal });
  }

  async #call<Answer>(call: ApiCall): Promise<Answer> {
    return this.#calls.call({ ...call, signal: this.#signal });
  }
}
