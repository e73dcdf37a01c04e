// What a caller may say of a single call, checked before it is sent.
import { randomUUID } from 'node:crypto';
import { expectKnownOptions } from '#client/options/known-options.js';

export interface CallOptions {
  /** Ends the call; its reason is thrown. What was sent may still be done. */
  signal?: AbortSignal;
  /** Of the trace that the call belongs to, as W3C Trace Context has it; passed on as it is. */
  traceparent?: string;
  tracestate?: string;
}

export interface KeyedOptions extends CallOptions {
  /**
   * Calls with one key are one call, for 24 hours. Default: a new one for each call. With null the call has none, and is
   * not repeated where its answer is lost.
   */
  idempotencyKey?: string | null;
}

export interface RevisionOptions extends CallOptions {
  /**
   * The `revision` that was read. Where there is another one by now, the call rejects with an ApiProblem whose `code` is
   * ETAG_MISMATCH. Such a call is not repeated. Default: any.
   */
  revision?: number;
}

const CALL_OPTIONS = ['signal', 'traceparent', 'tracestate'] as const;

const TRACEPARENT = /^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}(-[\x21-\x7e]+)?$/;
const TRACESTATE = /^[\x20-\x7e]{1,2000}$/;
/** As the API takes it. */
const IDEMPOTENCY_KEY = /^[\x21\x23-\x5b\x5d-\x7e]{1,255}$/;

/** Throws a TypeError that names the option. */
export function expectCallOptions(options: CallOptions, more: readonly string[] = []): void {
  expectKnownOptions(options, [...more, ...CALL_OPTIONS]);
  const { signal } = options;
  if (signal !== undefined && !(signal instanceof AbortSignal))
    throw new TypeError(`expected signal to be an AbortSignal, got ${typeof signal}`);
}

export function traceHeaders({ traceparent, tracestate }: CallOptions): Record<string, string> {
  return {
    ...headerOf({ traceparent }, TRACEPARENT, 'of the form 00-<32 digits>-<16 digits>-01'),
    ...headerOf({ tracestate }, TRACESTATE, 'ASCII text'),
  };
}

/** Done twice with one key, a call is done once. */
export function keyed({ idempotencyKey = randomUUID() }: KeyedOptions) {
  if (idempotencyKey === null) return { headers: {}, isRepeatable: false };
  const expected = '1 to 255 printable ASCII characters without spaces, quotes and backslashes';
  const { idempotencyKey: key = '' } = headerOf({ idempotencyKey }, IDEMPOTENCY_KEY, expected);
  return { headers: { 'idempotency-key': key }, isRepeatable: true };
}

export function revisionHeader(revision: number | undefined): Record<string, string> {
  if (revision === undefined) return { 'if-match': '*' };
  if (Number.isSafeInteger(revision) && revision > 0) return { 'if-match': `"${revision}"` };
  throw new TypeError(`expected revision to be one that was read, a whole number, got ${String(revision)}`);
}

function headerOf(option: Record<string, unknown>, form: RegExp, expected: string): Record<string, string> {
  const [[name, value] = ['', undefined]] = Object.entries(option);
  if (value === undefined) return {};
  if (typeof value === 'string' && form.test(value)) return { [name]: value };
  const got = typeof value === 'string' ? JSON.stringify(value.slice(0, 100)) : typeof value;
  throw new TypeError(`expected ${name} to be ${expected}, got ${got}`);
}
