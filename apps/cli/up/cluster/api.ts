// Calls the API over REST, like any client, at the first replica that answers: a killed one refuses the connection,
// and the next one is asked.
import type { z } from 'zod';
import { problem } from './api.shapes.js';

const TIMEOUT_MS = 5_000;

export interface Call {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly body?: object;
}

export class Api {
  constructor(
    /** URLs at which a replica may listen, the likeliest first. */
    private readonly urls: () => readonly string[],
    private readonly key: string,
    private readonly signal: AbortSignal,
  ) {}

  /** Rejects when no replica answers with this shape. */
  async get<Shape extends z.ZodType>(path: string, shape: Shape): Promise<z.output<Shape>> {
    const call = { method: 'GET', path } as const;
    const answer = await this.#send(call);
    if (answer.ok) return shape.parse(await answer.json());
    throw await refusal(call, answer);
  }

  /** True when the change was made, false for a status in `fine` (404, 409). */
  async change(call: Call, { fine }: { fine: readonly number[] }): Promise<boolean> {
    const answer = await this.#send(call);
    if (!answer.ok && !fine.includes(answer.status)) throw await refusal(call, answer);
    await answer.body?.cancel();
    return answer.ok;
  }

  async #send(call: Call): Promise<Response> {
    let failure: unknown = new Error(
      `${call.method} ${call.path}: expected a replica that listens, found none`,
    );
    for (const url of this.urls()) {
      try {
        return await this.#sendTo(url, call);
      } catch (error) {
        this.signal.throwIfAborted();
        failure = error;
      }
    }
    throw failure;
  }

  #sendTo(url: string, { method, path, body }: Call): Promise<Response> {
    const authorization = `Bearer ${this.key}`;
    return fetch(`${url}/api/v1/${path}`, {
      method,
      headers: {
        authorization,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        // The demo deletes only what is its own, at any revision.
        ...(method === 'DELETE' ? { 'if-match': '*' } : {}),
      },
      body: body === undefined ? null : JSON.stringify(body),
      signal: AbortSignal.any([this.signal, AbortSignal.timeout(TIMEOUT_MS)]),
    });
  }
}

async function refusal({ method, path }: Call, answer: Response): Promise<Error> {
  const said = problem.safeParse(await answer.json().catch(() => null)).data;
  return new Error(
    `${method} ${path}: got ${answer.status}${said === undefined ? '' : ` (${said.type}: ${said.detail})`}`,
  );
}
