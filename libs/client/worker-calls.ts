// How does a worker speak with the replicas? By plain HTTP and JSON, nothing else: what is written here in TypeScript
// can be written in any language (docs/workers.md). Every answer that is no success is an error with its status,
// so that the caller knows whether asking again makes sense.

export class CallFailed extends Error {
  override readonly name = 'CallFailed';

  constructor(
    /** 0 when there was no answer at all. */
    readonly status: number,
    message: string,
  ) {
    super(message);
  }

  /** Asking again may help: nobody answered, or not now. */
  get isTransient(): boolean {
    return this.status === 0 || this.status === 425 || this.status === 429 || this.status >= 500;
  }
}

export interface WorkerCall {
  /** Below the tenant's `/worker/`. */
  path: string;
  body: object | string;
  signal: AbortSignal;
}

export type CallWorkerApi = <Answer>(call: WorkerCall) => Promise<Answer>;

/** Rejects with CallFailed, or with the signal's reason. A text is sent as NDJSON. */
export function workerApi({ url, tenant, key }: { url: string; tenant: string; key: string }): CallWorkerApi {
  const base = `${url.replace(/\/+$/, '')}/api/v1/tenants/${encodeURIComponent(tenant)}/worker/`;
  return async <Answer>({ path, body, signal }: WorkerCall) => {
    const isText = typeof body === 'string';
    const type = isText ? 'application/x-ndjson' : 'application/json';
    const response = await fetch(base + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': type },
      body: isText ? body : JSON.stringify(body),
      signal,
    }).catch((error: unknown) => {
      if (signal.aborted) throw signal.reason;
      throw new CallFailed(0, `expected an answer from ${base}, got ${describe(error)}`);
    });
    const text = await response.text();
    if (!response.ok)
      throw new CallFailed(
        response.status,
        `expected success, got ${response.status}: ${text.slice(0, 500)}`,
      );
    return JSON.parse(text) as Answer; // the API's own description says what it is
  };
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}

/** Asks again while that may help, each time later, until the signal says that it is enough. */
export async function insist<Answer>(
  call: () => Promise<Answer>,
  { signal, onError }: { signal: AbortSignal; onError: (error: Error) => void },
): Promise<Answer> {
  for (let waitMs = 100; ; waitMs = Math.min(waitMs * 2, 5_000)) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof CallFailed) || !error.isTransient || signal.aborted) throw error;
      onError(error);
      await rest(waitMs, signal);
    }
  }
}

/** Resolves after the time, or as soon as the signal is aborted. */
export async function rest(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });
}
