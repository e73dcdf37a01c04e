// Who is calling, and which tenant is meant? Every route wants a bearer key unless it is marked public. A key that
// may not see the tenant in the path gets the same answer as if the tenant did not exist (I10).
import type { IncomingMessage } from 'node:http';
import {
  createParamDecorator,
  Injectable,
  SetMetadata,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Request, RequestHandler } from 'express';
import { asId, NO_UUID } from '#kernel/ids.js';
import { LeaseTokens } from '#execution/leases/lease-token.js';
import { hashedKey, KeyRing, type HashedKey } from '#tenancy/api-keys.js';
import { mayManage, maySeeTenant, type Principal } from '#tenancy/decisions/api-key.js';
import type { Tenant } from '#tenancy/tenant.repository.js';
import { NamedTenants, type NamingRequest } from './named-tenants.js';
import { notFound, ProblemError } from '../problems/problem.js';
import { FREE_TURN, RequestTurns, type Turn } from './request-turns.js';

const PUBLIC = 'carillon:public';
const ADMIN_ONLY = 'carillon:admin-only';
const LEASE_HOLDER = 'carillon:lease-holder';
const WORKERS_TOO = 'carillon:workers-too';
const WHILE_SUSPENDED = 'carillon:while-suspended';
const NAMES_JOB_TYPE = 'carillon:names-job-type';
const MAKES_TENANT = 'carillon:makes-tenant';

/** A caller needs no key. */
export const Public = () => SetMetadata(PUBLIC, true);
export const isPublic = (context: ExecutionContext): boolean => isMarked(context, PUBLIC);
/** A caller with the lease's token in the path needs no key: an endpoint that we have called has none. */
export const LeaseHolder = () => SetMetadata(LEASE_HOLDER, true);
/** A worker's key may call it as well; it may call nothing else. */
export const WorkersToo = () => SetMetadata(WORKERS_TOO, true);
/** Only an administrator's key may call it. */
export const AdminOnly = () => SetMetadata(ADMIN_ONLY, true);

/**
 * A changing route that a suspended tenant may still call: it ends or stops something, or concerns work under way.
 */
export const WhileSuspended = () => SetMetadata(WHILE_SUSPENDED, true);

/** An administrator may name a tenant that is not there. */
export const MakesTenant = () => SetMetadata(MAKES_TENANT, true);

/** Its body has a `jobType`, which is read together with the tenant. */
export const NamesJobType = () => SetMetadata(NAMES_JOB_TYPE, true);

export interface AuthenticatedRequest extends NamingRequest {
  principal?: Principal;
  tenant?: Tenant;
  turn?: Turn;
  /** Whether the key is still valid; asked again while a long answer is under way. */
  isStillAllowed?: () => Promise<boolean>;
}

const reflector = new Reflector();

type Decorated = Parameters<typeof reflector.get>[1];

const hasMark = (mark: string, route: Decorated, controller: Decorated): boolean =>
  reflector.getAllAndOverride<boolean | undefined>(mark, [route, controller]) === true;

/** Who may call a route, for its description. */
export interface Callers {
  isPublic: boolean;
  isAdminOnly: boolean;
  areWorkersToo: boolean;
  areLeaseHoldersToo: boolean;
  isWhileSuspended: boolean;
}

export const callersOf = (route: Decorated, controller: Decorated): Callers => ({
  isPublic: hasMark(PUBLIC, route, controller),
  isAdminOnly: hasMark(ADMIN_ONLY, route, controller),
  areWorkersToo: hasMark(WORKERS_TOO, route, controller),
  areLeaseHoldersToo: hasMark(LEASE_HOLDER, route, controller),
  isWhileSuspended: hasMark(WHILE_SUSPENDED, route, controller),
});

/** Found once for each route: decorators are done when the first request comes. */
const marksOf = new WeakMap<object, Map<string, boolean>>();

function isMarked(context: ExecutionContext, mark: string): boolean {
  const route = context.getHandler();
  const marks = marksOf.get(route) ?? new Map<string, boolean>();
  const known = marks.get(mark);
  if (known !== undefined) return known;
  const is = hasMark(mark, route, context.getClass());
  marksOf.set(route, marks.set(mark, is));
  return is;
}
/**
 * Has no rows: the holder of a lease sees the same on the path of a missing tenant as on that of any tenant but its
 * own.
 */
const NO_TENANT: Tenant = {
  id: asId.tenant(NO_UUID),
  name: asId.tenantName(''),
  displayName: '',
  slot: asId.slot(0),
  state: 'active',
  weight: 1,
  limits: {},
  retentionDays: null,
  allowedQueues: [],
  allowedHandlers: [],
  createdAt: new Date(0),
  revision: 0,
};

@Injectable()
export class AuthGuard implements CanActivate {
  constructor(
    private readonly keys: KeyRing,
    private readonly tokens: LeaseTokens,
    private readonly tenants: NamedTenants,
    private readonly turns: RequestTurns,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (isPublic(context)) return true;
    const request = context.switchToHttp().getRequest<AuthenticatedRequest>();
    const name = request.params['tenant'];
    if (isMarked(context, LEASE_HOLDER) && this.#holdsLease(request)) {
      if (typeof name !== 'string') return true;
      await this.#takeTurn(request, `named ${name}`);
      request.tenant = (await this.tenants.find({ name }))?.tenant ?? NO_TENANT;
      return true;
    }
    const principal = await requirePrincipal(this.keys, request);
    request.principal = principal;
    request.isStillAllowed = () => isKnown(this.keys, request);
    if (principal.role !== 'admin') await this.#takeTurn(request, principal.tenantId);
    const mayMake = principal.role === 'admin' && isMarked(context, MAKES_TENANT);
    if (typeof name === 'string' && !mayMake) {
      const maySee = (tenant: Tenant): boolean => maySeeTenant(principal, tenant.id);
      const body: unknown = isMarked(context, NAMES_JOB_TYPE) ? request.body : null;
      const named = await this.tenants.find({ name, body, maySee });
      if (named === null || !maySee(named.tenant)) throw notFound('tenant', name);
      request.tenant = named.tenant;
      request.namedJob = named.job;
      if (principal.role !== 'admin') this.turns.note(principal.tenantId, named.tenant);
    }
    if (isMarked(context, ADMIN_ONLY) && principal.role !== 'admin') {
      throw new ProblemError('forbidden', `expected an administrator's key, got a ${principal.role}'s`);
    }
    if (!mayManage(principal) && !isMarked(context, WORKERS_TOO)) {
      throw notAWorkers();
    }
    // An assumed tenant was not read for this request; the insert of the run proves the assumption.
    const mayBeInactive = request.namedJob?.isAssumed === true || isMarked(context, WHILE_SUSPENDED);
    if (request.tenant?.state === 'suspended' && CHANGES.has(request.method) && !mayBeInactive)
      throw inactive(request.tenant);
    return true;
  }

  /** A request with a key is judged by the key alone. */
  #holdsLease({ headers, params }: Request): boolean {
    const token = params['token'];
    return (
      headers.authorization === undefined && typeof token === 'string' && this.tokens.leaseOf(token) !== null
    );
  }

  /** Administrators' requests never wait. */
  async #takeTurn(request: AuthenticatedRequest, key: string): Promise<void> {
    if (request.res !== undefined) request.turn = await this.turns.take(key, request.res);
  }
}

const CHANGES = new Set(['POST', 'PATCH', 'PUT', 'DELETE']);

export function inactive({ name, state }: Pick<Tenant, 'name' | 'state'>): ProblemError {
  const detail = `expected tenant ${name} to be active, got ${state}`;
  return new ProblemError('invalid-state', detail, { currentState: state });
}

const LEASE_PATH = /^\/api\/v1\/tenants\/[^/]+\/worker\/leases\/([^/:?]+)/;

/** Refuses a body without a key before it is read, which is before the guard. A lease's token stands for a key. */
export function requireKeyForBodies(keys: KeyRing, tokens: LeaseTokens): RequestHandler {
  const requireKey: RequestHandler = async (request, _response, next) => {
    await requirePrincipal(keys, request);
    next();
  };
  return (request, response, next) => {
    const { headers, url } = request;
    const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
    if (!hasBody || !url.startsWith('/api/')) return next();
    const [, token] = headers.authorization === undefined ? (LEASE_PATH.exec(url) ?? []) : [];
    if (token !== undefined && tokens.leaseOf(token) !== null) return next();
    return requireKey(request, response, next);
  };
}

export function notAWorkers(): ProblemError {
  const expected = "expected an administrator's key or one of a tenant's administrator";
  return new ProblemError('forbidden', `${expected}, got a worker's, which may only take runs and end them`);
}

async function isKnown(keys: KeyRing, request: KeyedRequest): Promise<boolean> {
  const key = keyOf(request);
  return key !== null && (await keys.principalOf(key)) !== undefined;
}

interface KeyedRequest extends IncomingMessage {
  /** Of its header, which stays as it is: a request's key is looked up several times, and hashed once. */
  apiKey?: HashedKey | null;
}

/** Null without a bearer's key. */
function keyOf(request: KeyedRequest): HashedKey | null {
  if (request.apiKey !== undefined) return request.apiKey;
  const secret = keyIn(request.headers.authorization);
  request.apiKey = secret === undefined ? null : hashedKey(secret);
  return request.apiKey;
}

function keyIn(header = ''): string | undefined {
  return /^Bearer\s+(\S+)\s*$/i.exec(header)?.[1];
}

/** Throws a problem for a request without a valid key. */
export async function requirePrincipal(keys: KeyRing, request: KeyedRequest): Promise<Principal> {
  const key = keyOf(request);
  const principal = key === null ? undefined : await keys.principalOf(key);
  if (principal !== undefined) return principal;
  const wrong = whatIsWrong(request.headers.authorization, key !== null);
  throw new ProblemError(
    'unauthenticated',
    `expected the header "Authorization: Bearer <key>", got ${wrong}`,
    {
      headers: { 'www-authenticate': 'Bearer' },
    },
  );
}

/** The header itself may hold a secret of another kind, so it is not repeated. */
function whatIsWrong(header: string | undefined, hasKey: boolean): string {
  if (header === undefined) return 'no such header';
  return hasKey ? 'an unknown or revoked key' : 'another scheme';
}

/** The tenant that the path names. Only on routes below a tenant. */
export const CurrentTenant = createParamDecorator((_: unknown, context: ExecutionContext): Tenant => {
  const { tenant } = context.switchToHttp().getRequest<AuthenticatedRequest>();
  if (tenant === undefined) throw new Error('expected a route with a :tenant parameter');
  return tenant;
});

export interface LongStay {
  turn: Turn;
  isStillAllowed: () => Promise<boolean>;
}

/** For routes whose answer may take long. */
export const CurrentStay = createParamDecorator((_: unknown, context: ExecutionContext): LongStay => {
  const { turn = FREE_TURN, isStillAllowed } = context.switchToHttp().getRequest<AuthenticatedRequest>();
  return { turn, isStillAllowed: isStillAllowed ?? (() => Promise.resolve(true)) };
});

/** The key's principal. Not on public routes. */
export const CurrentPrincipal = createParamDecorator((_: unknown, context: ExecutionContext) =>
  principalOf(context),
);

/** Who asks, as records of what was changed name them. Not on public routes. */
export const CurrentCaller = createParamDecorator(
  (_: unknown, context: ExecutionContext) => principalOf(context).by,
);

function principalOf(context: ExecutionContext): Principal {
  const { principal } = context.switchToHttp().getRequest<AuthenticatedRequest>();
  if (principal === undefined) throw new Error('expected a route that asks for a key');
  return principal;
}
