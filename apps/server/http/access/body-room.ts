// How many bytes of bodies does a replica hold at once? Each body that may be large has room until its request ends.
// While it is read it counts with the most bytes that it may turn out to have, since a compressed one of a few
// kilobytes can unpack to as much as any; afterwards with the bytes that it has. A body without room is refused
// before its first byte is read: with 429 where its sender already holds much here, and with 503 where all senders
// together do.
import type { IncomingMessage } from 'node:http';
import { setImmediate as anyTurn } from 'node:timers/promises';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { Request, RequestHandler } from 'express';
import type { KeyRing } from '#tenancy/api-keys.js';
import { requirePrincipal } from './auth.guard.js';
import { BodyTurns, type NextTurn } from '../requests/body-turns.js';
import type { SlowRequest } from '../requests/json-body.js';
import { ProblemError } from '../problems/problem.js';

const MIB = 1024 * 1024;

export interface RoomSizes {
  /** For all bodies of this replica. Parsed, a body takes up to about ten times as much. */
  all: number;
  /** For the bodies of one tenant, or of the administrators. */
  each: number;
}

const BODY_ROOM: RoomSizes = { all: 96 * MIB, each: 32 * MIB };
/** Smaller bodies need no room: the bound on the number of requests bounds them as well. */
const SMALL_BYTES_MAX = 64 * 1024;

/** A body's part of the room. */
export interface BodyPlace {
  shrink(bytes: number): void;
  giveBack(): void;
}

export class BodyRoom {
  readonly #held = new Map<string, number>();
  #all = 0;

  constructor(private readonly sizes: RoomSizes) {}

  /** Throws the problem of a body for which there is no room. */
  take(owner: string, bytes: number): BodyPlace {
    const held = this.#held.get(owner) ?? 0;
    if (held + bytes > this.sizes.each) throw noRoom('quota-exceeded', 'one tenant', this.sizes.each);
    if (this.#all + bytes > this.sizes.all) throw noRoom('replica-busy', 'all tenants', this.sizes.all);
    this.#add(owner, bytes);
    let has = bytes;
    const shrink = (to: number): void => {
      if (to >= has) return;
      this.#add(owner, to - has);
      has = to;
    };
    return { shrink, giveBack: () => shrink(0) };
  }

  #add(owner: string, bytes: number): void {
    const held = (this.#held.get(owner) ?? 0) + bytes;
    if (held === 0) this.#held.delete(owner);
    else this.#held.set(owner, held);
    this.#all += bytes;
  }
}

function noRoom(type: 'quota-exceeded' | 'replica-busy', whose: string, max: number): ProblemError {
  return new ProblemError(
    type,
    `expected the large bodies of ${whose} in this replica to have at most ${max} bytes together, got more`,
    { headers: { 'retry-after': '1' } },
  );
}

interface PlacedRequest extends SlowRequest {
  bodyPlace?: BodyPlace;
}

/** Runs before bodies are read. `limitOf` returns how many bytes the body of a request may have. */
export function admitBodies(keys: KeyRing, limitOf: (request: IncomingMessage) => number): RequestHandler {
  const room = new BodyRoom(BODY_ROOM);
  const turns = new BodyTurns();
  return async (request: PlacedRequest, response, next): Promise<void> => {
    const bytes = Math.min(mostBytes(request.headers), limitOf(request));
    if (bytes <= SMALL_BYTES_MAX) return next();
    const owner = await ownerOf(keys, request);
    if (response.closed) return; // the caller hung up meanwhile, so 'close' will not fire again
    const place = room.take(owner, bytes);
    request.bodyPlace = place;
    request.nextTurn = () => turns.next(owner);
    response.once('close', () => place.giveBack());
    next();
  };
}

/** Parameter: the turn that a handler awaits between the parts of a body that it checks one by one. */
export const BodyTurn = createParamDecorator((_: unknown, context: ExecutionContext): NextTurn => {
  const { nextTurn } = context.switchToHttp().getRequest<PlacedRequest>();
  return nextTurn ?? anyTurn;
});

/** Runs after bodies are read and before they are parsed. */
export const settleBodies: RequestHandler = (request: PlacedRequest, _response, next): void => {
  const read: unknown = request.body;
  const bytes = Buffer.isBuffer(read) || typeof read === 'string' ? read.length : 0;
  request.bodyPlace?.shrink(bytes <= SMALL_BYTES_MAX ? 0 : bytes);
  next();
};

/** A compressed body, or one without a length, may have any size. */
function mostBytes({
  'content-length': length,
  'content-encoding': encoding = 'identity',
  'transfer-encoding': transfer,
}: IncomingMessage['headers']): number {
  if (length === undefined && transfer === undefined) return 0;
  return length === undefined || encoding !== 'identity' ? Number.POSITIVE_INFINITY : Number(length);
}

/** A lease's holder has no key, but a token that was already checked, on the path of a tenant. */
async function ownerOf(keys: KeyRing, request: Request): Promise<string> {
  if (request.headers.authorization === undefined) return 'holders of leases';
  const principal = await requirePrincipal(keys, request);
  return principal.role === 'admin' ? 'administrators' : principal.tenantId;
}
