// How is a body of ten thousand runs read without delaying all other requests? Its key, role and tenant are checked
// before its first byte is read, and a tenant may have one large batch under way at a time. Then it is cut into its
// runs, a slice in each turn of the event loop, and each run is parsed by itself when it is checked. JSON.parse would
// take a second for a compressed body of a few kilobytes.
import { createHash } from 'node:crypto';
import type { Request, RequestHandler } from 'express';
import type { Database } from '#database/connection.js';
import type { KeyRing } from '#tenancy/api-keys.js';
import { mayManage, maySeeTenant } from '#tenancy/decisions/api-key.js';
import { findTenant } from '#tenancy/tenant.repository.js';
import { notAWorkers, requirePrincipal } from '../access/auth.guard.js';
import { parseBody, requireUtf8, textOf, type SlowRequest } from '../requests/json-body.js';
import { invalidField, notFound, ProblemError } from '../problems/problem.js';
import { BATCH_SIZE_MAX } from './run-batch.shapes.js';
import { resourceName } from '../requests/shapes.js';

/** Ten thousand runs need more room than any other request. */
export const BATCH_BYTES_MAX = 16 * 1024 * 1024;
const BATCH_PATH = /^\/api\/v1\/tenants\/([^/?]+)\/runs:batchCreate(?:\?|$)/;
/** A batch of so many bytes costs no more than any other request. */
const SMALL_BYTES_MAX = 1024 * 1024;
const SLICE = 256 * 1024;
/** The same limit as for a single run. */
const RUN_LENGTH_MAX = 1024 * 1024;

/** One run of a batch, as it was written. */
export class RunText {
  constructor(readonly json: string) {}
}

export interface HashedRequest extends SlowRequest {
  /** The hash of a body that is too large to be hashed at once. */
  bodyHash?: string;
}

export function isBatch({ url = '' }: { url?: string | undefined }): boolean {
  return BATCH_PATH.test(url);
}

/**
 * Before bodies are read, refuses the batch of a caller that may send none, and that of a tenant with one under way.
 */
export function admitBatches(keys: KeyRing, db: Database): RequestHandler {
  const underWay = new Set<string>();
  return async (request, response, next): Promise<void> => {
    const [, encoded] = BATCH_PATH.exec(request.url) ?? [];
    if (encoded === undefined || request.method !== 'POST') return next();
    const principal = await requirePrincipal(keys, request);
    if (!mayManage(principal)) throw notAWorkers();
    const name = decoded(encoded);
    const tenant = resourceName.safeParse(name).success ? await findTenant(db, name) : undefined;
    if (tenant === undefined || !maySeeTenant(principal, tenant.id)) throw notFound('tenant', name);
    if (!isLarge(request)) return next();
    if (underWay.has(tenant.id))
      throw new ProblemError(
        'quota-exceeded',
        `expected at most one batch of tenant ${name} that is compressed or above ${SMALL_BYTES_MAX} bytes at a time in this replica, got a second one`,
        { headers: { 'retry-after': '1' } },
      );
    // The caller hung up while its key was checked: 'close' would not fire again.
    if (response.closed) return;
    underWay.add(tenant.id);
    response.once('close', () => underWay.delete(tenant.id));
    next();
  };
}

/** Gives the body of a batch the form of its shape, with a RunText for each of its runs. */
export const readBatch: RequestHandler = async (request: HashedRequest, _response, next): Promise<void> => {
  if (!isBatch(request) || !Buffer.isBuffer(request.body)) return next();
  const bytes: Buffer = request.body;
  requireUtf8(request.headers['content-type']);
  const hash = createHash('sha256');
  for (let from = 0; from < bytes.length; from += SLICE) {
    await request.nextTurn?.();
    hash.update(bytes.subarray(from, from + SLICE));
  }
  request.bodyHash = hash.digest('base64');
  await request.nextTurn?.();
  const cutter = new RunCutter(textOf(bytes));
  while (!cutter.cutOn(SLICE)) await request.nextTurn?.();
  request.body = cutter.body();
  next();
};

/** Also true for a body whose size is not known yet. */
function isLarge({ headers }: Request): boolean {
  const { 'content-length': length, 'content-encoding': encoding = 'identity' } = headers;
  return length === undefined || Number(length) > SMALL_BYTES_MAX || encoding !== 'identity';
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name; // no tenant has such a name
  }
}

/**
 * Cuts the elements of the outermost object's `runs` out of a JSON text, and leaves their numbers in their places.
 */
class RunCutter {
  readonly #runs: RunText[] = [];
  #envelope = '';
  #place = 0;
  #depth = 0;
  /** The start of the part that has not been kept yet. */
  #start = 0;
  #isInRuns = false;

  constructor(private readonly text: string) {}

  /** Reads on for about so many characters; true at the end. */
  cutOn(length: number): boolean {
    const { text } = this;
    const end = Math.min(text.length, this.#place + length);
    for (; this.#place < end; this.#place += 1) {
      const mark = text.charCodeAt(this.#place);
      // In this order: " [ { ] } ,
      if (mark === 0x22) this.#place = endOfString(text, this.#place);
      else if (mark === 0x5b || mark === 0x7b) this.#open(mark === 0x5b);
      else if (mark === 0x5d || mark === 0x7d) this.#close();
      else if (mark === 0x2c && this.#isInRuns && this.#depth === 2) this.#endRun();
    }
    if (this.#place < text.length) return false;
    this.#envelope += text.slice(this.#start);
    return true;
  }

  /** Throws the problem of a body that is no JSON. */
  body(): unknown {
    const envelope = parseBody(this.#envelope);
    if (typeof envelope !== 'object' || envelope === null || !('runs' in envelope)) return envelope;
    const { runs } = envelope;
    if (!Array.isArray(runs) || this.#runs.length === 0) return envelope;
    if (runs.length !== this.#runs.length || runs.some((run, index) => run !== index))
      throw new ProblemError('malformed-json', 'expected one field `runs`, got more');
    return { ...envelope, runs: this.#runs };
  }

  #open(isArray: boolean): void {
    this.#depth += 1;
    if (
      !isArray ||
      this.#depth !== 2 ||
      !/"runs"\s*:\s*$/.test(this.text.slice(Math.max(this.#start, this.#place - 100), this.#place))
    )
      return;
    this.#isInRuns = true;
    this.#envelope += this.text.slice(this.#start, this.#place + 1);
    this.#start = this.#place + 1;
  }

  #close(): void {
    if (this.#isInRuns && this.#depth === 2) {
      this.#endRun();
      this.#isInRuns = false;
    }
    this.#depth -= 1;
  }

  #endRun(): void {
    const json = this.text.slice(this.#start, this.#place);
    // An empty place stays empty, so that an envelope that was no JSON still is none.
    const isNone = /^\s*$/.test(json);
    if (!isNone && this.#runs.length >= BATCH_SIZE_MAX)
      throw invalidField('/runs', `expected at most ${BATCH_SIZE_MAX} runs, got more`);
    if (!isNone) this.#envelope += String(this.#runs.length);
    if (!isNone) this.#runs.push(new RunText(json));
    if (this.text[this.#place] === ',') this.#envelope += ',';
    this.#start = this.#place + (this.text[this.#place] === ',' ? 1 : 0);
  }
}

function endOfString(text: string, start: number): number {
  for (let end = start; ;) {
    end = text.indexOf('"', end + 1);
    if (end === -1) return text.length;
    let first = end;
    while (text.charCodeAt(first - 1) === 0x5c) first -= 1; // backslashes
    if ((end - first) % 2 === 0) return end;
  }
}

/** Parses the text of a run. Throws the problem of a text that is no JSON or can't be kept. */
export function parseRun({ json }: RunText): unknown {
  if (json.length > RUN_LENGTH_MAX)
    throw new ProblemError(
      'payload-too-large',
      `expected a run of at most ${RUN_LENGTH_MAX} characters, got ${json.length}`,
    );
  return parseBody(json);
}
