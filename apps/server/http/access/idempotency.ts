// How is a request that is sent twice done once? By its Idempotency-Key, as in
// draft-ietf-httpapi-idempotency-key-header-07. The handler's writes and the answer commit in one transaction: after
// a crash there are both, and the same request gets the same answer again, or neither. The request holds the key's
// lock until then, and a second one with that key is refused and may try later. Only successes are kept: a refused
// request has done nothing and may be sent again as it is, or mended.
import { createHash } from 'node:crypto';
import {
  applyDecorators,
  createParamDecorator,
  Inject,
  Injectable,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { ApiHeader } from '@nestjs/swagger';
import type { Request, Response } from 'express';
import { from, lastValueFrom, type Observable } from 'rxjs';
import { inTransaction, type Database, type Tx } from '#database/connection.js';
import { API_DATABASE } from '../../tokens.js';
import type { AuthenticatedRequest } from './auth.guard.js';
import { findAnswer, keepAnswer, tryLockKey, type KeptAnswer } from './idempotency.repository.js';
import { ProblemError } from '../problems/problem.js';

export const ANSWERS_KEPT_HOURS = 24;

/** The database, or transaction, that a creating handler writes with. */
export interface Writing {
  /** The request's transaction if it has an Idempotency-Key, otherwise the database. Use no other beside it. */
  readonly db: Database;
  /** Runs the act once everything is committed; never if it is rolled back. */
  readonly afterwards: (act: () => void) => void;
}

interface WritingRequest extends AuthenticatedRequest {
  /** Of a body that is too large to be hashed at once. */
  bodyHash?: string;
  writing?: Writing;
}

const HEADERS_KEPT = ['location', 'etag'];
/** A token or a string of RFC 8941, whose quotes do not count. */
const KEY = /^(?:"([\x20\x21\x23-\x5b\x5d-\x7e]{1,255})"|([\x21\x23-\x5b\x5d-\x7e]{1,255}))$/;

/** Parameter: the Writing of an @Idempotent route. */
export const Writes = createParamDecorator((_: unknown, context: ExecutionContext): Writing => {
  const { writing } = context.switchToHttp().getRequest<WritingRequest>();
  if (writing === undefined) throw new Error('expected an @Idempotent() route');
  return writing;
});

@Injectable()
class IdempotencyInterceptor implements NestInterceptor {
  constructor(@Inject(API_DATABASE) private readonly db: Database) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const http = context.switchToHttp();
    const request = http.getRequest<WritingRequest>();
    const key = keyOf(request);
    if (key !== null)
      return from(this.#answerOnce(key, { request, response: http.getResponse<Response>(), next }));
    // Each statement commits by itself.
    request.writing = { db: this.db, afterwards: (act) => act() };
    return next.handle();
  }

  async #answerOnce(
    key: string,
    { request, response, next }: { request: WritingRequest; response: Response; next: CallHandler },
  ): Promise<unknown> {
    const done: (() => void)[] = [];
    const afterwards = (act: () => void): void => void done.push(act);
    const body = await inTransaction(this.db, (db) => {
      const act = (): Promise<unknown> => {
        request.writing = { db, afterwards };
        return lastValueFrom(next.handle());
      };
      return answerOnce(db, { key, request, response, act });
    });
    for (const step of done) step();
    return body;
  }
}

async function answerOnce(
  tx: Tx,
  {
    key,
    request,
    response,
    act,
  }: { key: string; request: WritingRequest; response: Response; act: () => Promise<unknown> },
): Promise<unknown> {
  const scope = scopeOf(request);
  if (!(await tryLockKey(tx, sha256(JSON.stringify([scope, key])).readInt32BE()))) {
    throw new ProblemError(
      'request-in-progress',
      `expected the first request with the Idempotency-Key ${key} to be answered, got another one meanwhile`,
      { headers: { 'retry-after': '1' } },
    );
  }
  // Without the prefix under which an application serves the API: a repetition may go to a replica that has another one.
  const requested = sha256(JSON.stringify([request.method, request.url, request.bodyHash ?? request.body]));
  const kept = await findAnswer(tx, { scope, key, keptHours: ANSWERS_KEPT_HOURS });
  if (kept !== undefined) return replay(kept, { key, requested, response });
  const body = await act();
  await keepAnswer(tx, {
    scope,
    key,
    request: requested,
    status: response.statusCode,
    headers: headersOf(response),
    body: JSON.stringify(body ?? null),
  });
  return body;
}

function replay(
  kept: KeptAnswer,
  { key, requested, response }: { key: string; requested: Buffer; response: Response },
): unknown {
  if (!kept.request.equals(requested)) {
    throw new ProblemError(
      'idempotency-key-reused',
      `expected the request that was first sent with the Idempotency-Key ${key}, got another`,
    );
  }
  response.status(kept.status).set(kept.headers).set('Idempotency-Replayed', 'true');
  return JSON.parse(kept.body) as unknown;
}

function keyOf({ headers }: Request): string | null {
  const sent = headers['idempotency-key'];
  if (sent === undefined) return null;
  const [, quoted, bare] = (typeof sent === 'string' && KEY.exec(sent)) || [];
  const key = quoted ?? bare;
  if (key !== undefined) return key;
  throw new ProblemError(
    'bad-request',
    `expected an Idempotency-Key of 1 to 255 printable ASCII characters without quotes and backslashes, got ${JSON.stringify(sent).slice(0, 100)}`,
  );
}

/** A key belongs to one principal in one tenant, so no principal can read another's answers (I10). */
function scopeOf({ principal, tenant }: AuthenticatedRequest): string {
  const { by: _, ...holder } = principal ?? { by: null };
  return JSON.stringify([holder, tenant?.id ?? null]);
}

function headersOf(response: Response): Record<string, string> {
  return Object.fromEntries(
    HEADERS_KEPT.flatMap((name) => {
      const value = response.getHeader(name);
      return typeof value === 'string' ? [[name, value]] : [];
    }),
  );
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** The route acts once for each Idempotency-Key. Its handler writes with @Writes() alone. */
export const Idempotent = () =>
  applyDecorators(
    UseInterceptors(IdempotencyInterceptor),
    ApiHeader({
      name: 'Idempotency-Key',
      required: false,
      description: `The same request with the same key is done once; its answer is repeated for ${ANSWERS_KEPT_HOURS} hours.`,
      schema: { type: 'string' },
    }),
  );
