// The calls of a worker to the replicas: plain HTTP and JSON, so a worker can be written in any language
// (docs/workers.md). Every answer but success is an error with its status, so that the caller knows whether to try
// again. Any replica can answer: when one does not, or can't just now, the next call goes to the next one.

export class CallFailed extends Error {
  override readonly name = 'CallFailed';

  /** 0 when there was no answer at all. */
  readonly status: number;
  /** The answer, if it was a problem. */
  readonly problem: Readonly<Record<string, unknown>>;

  constructor(status: number, message: string, problem: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.status = status;
    this.problem = problem;
  }

  /** Trying again may help: no replica answered, or it could not just now. */
  get isTransient(): boolean {
    return this.status === 0 || this.status === 425 || this.status === 429 || this.status >= 500;
  }
}

export interface WorkerCall {
  /** The path below the tenant's `/worker/`, or what else was said when the calls were made. */
  path: string;
  body: object | string;
  signal: AbortSignal;
  /** How long the answer may take. Default: 15 seconds. */
  limitMs?: number;
}

export type CallWorkerApi = <Answer>(call: WorkerCall) => Promise<Answer>;

export interface WorkerApiOptions {
  /** The URL of the API, or those of several replicas. */
  url: string | readonly string[];
  tenant: string;
  key: string;
}

const LIMIT_MS = 15_000;

/**
 * Rejects with CallFailed, with the signal's reason, or with TypeError for a body that JSON can't express. A text is
 * sent as NDJSON.
 */
export function workerApi({ url, tenant, key }: WorkerApiOptions, below = 'worker/'): CallWorkerApi {
  const bases = [url]
    .flat()
    .map((each) => `${each.replace(/\/+$/, '')}/api/v1/tenants/${encodeURIComponent(tenant)}/${below}`);
  if (bases.length === 0) throw new TypeError('expected at least one url, got none');
  let turn = 0;
  return async <Answer>({ path, body, signal, limitMs = LIMIT_MS }: WorkerCall) => {
    const asked = turn;
    const base = bases[asked % bases.length] ?? '';
    const isText = typeof body === 'string';
    const type = isText ? 'application/x-ndjson' : 'application/json';
    // Before the request: a body that can't be encoded is no failure of the network, and trying again would not help.
    const text = isText ? body : JSON.stringify(body);
    const limit = AbortSignal.timeout(Math.ceil(limitMs));
    try {
      const response = await fetch(base + path, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': type },
        body: text,
        signal: AbortSignal.any([signal, limit]),
      });
      // The connection may break before all of it is there.
      return answerOf(response, await response.text()) as Answer; // as the API describes it
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      const got = limit.aborted ? `none within ${limitMs} ms` : describe(error);
      const failed =
        error instanceof CallFailed
          ? error
          : new CallFailed(0, `expected an answer from ${base}, got ${got}`);
      // Many calls may fail at once; together they move to the next replica only once.
      if (failed.isTransient && turn === asked) turn += 1;
      throw failed;
    }
  };
}

function answerOf({ ok, status }: Response, text: string): unknown {
  if (ok) return text === '' ? null : JSON.parse(text);
  const problem = problemIn(text);
  const { detail = text } = problem;
  throw new CallFailed(status, `expected success, got ${status}: ${String(detail).slice(0, 500)}`, problem);
}

/** Without a field when it is none. */
function problemIn(text: string): Readonly<Record<string, unknown>> {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === 'object' && body !== null ? { ...body } : {};
  } catch {
    return {};
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}

/** Repeats the call while that may help, after growing pauses, until the signal is aborted. */
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
export async function rest(ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted === true) return;
  await new Promise<void>((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal?.addEventListener('abort', end);
  });
}
