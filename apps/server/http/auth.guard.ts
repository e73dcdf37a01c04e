// Who is asking, and about which tenant? Every route wants a bearer key unless it is marked public. A key
// that may not see the tenant in the path gets the same answer as if the tenant did not exist (I10).
import type { IncomingMessage } from 'node:http';
import {
  createParamDecorator,
  Inject,
  Injectable,
  SetMetadata,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Request, RequestHandler } from 'express';
import { z } from 'zod';
import type { Database } from '#database/connection.js';
import { LeaseTokens } from '#execution/lease-token.js';
import { KeyRing } from '#tenancy/api-keys.js';
import { mayManage, maySeeTenant, type Principal } from '#tenancy/decisions/api-key.js';
import { findTenant, type Tenant } from '#tenancy/tenant.repository.js';
import { API_DATABASE } from '../tokens.js';
import { KnownJobs } from './known-jobs.js';
import { notFound, ProblemError } from './problem.js';
import { resourceName } from './shapes.js';
import type { TenantAndJob } from './tenant-and-job.repository.js';

const PUBLIC = 'carillon:public';
const ADMIN_ONLY = 'carillon:admin-only';
const LEASE_HOLDER = 'carillon:lease-holder';
const WORKERS_TOO = 'carillon:workers-too';
const WHILE_SUSPENDED = 'carillon:while-suspended';
const NAMES_JOB_TYPE = 'carillon:names-job-type';

/** Anybody may call it, without a key. */
export const Public = () => SetMetadata(PUBLIC, true);
export const isPublic = (context: ExecutionContext): boolean => isMarked(context, PUBLIC);
/** Whoever has the lease's token in the path needs no key: an endpoint that we have called has none. */
export const LeaseHolder = () => SetMetadata(LEASE_HOLDER, true);
/** A worker's key may call it as well; it may call nothing else. */
export const WorkersToo = () => SetMetadata(WORKERS_TOO, true);
/** Only an administrator's key may call it. */
export const AdminOnly = () => SetMetadata(ADMIN_ONLY, true);

/** It changes something, and may do so although the tenant is suspended: it ends or stops things, or is about work that is under way. */
export const WhileSuspended = () => SetMetadata(WHILE_SUSPENDED, true);

/** Its body has a `jobType`, which is read together with the tenant. */
export const NamesJobType = () => SetMetadata(NAMES_JOB_TYPE, true);

/** What the request is about, read for it or assumed (known-jobs.ts). */
export interface NamedJob extends TenantAndJob {
  isAssumed: boolean;
}

export interface AuthenticatedRequest extends Request {
  principal?: Principal;
  tenant?: Tenant;
  namedJob?: NamedJob;
}

const reflector = new Reflector();

function isMarked(context: ExecutionContext, mark: string): boolean {
  const places = [context.getHandler(), context.getClass()];
  return reflector.getAllAndOverride<boolean | undefined>(mark, places) === true;
}

@Injectable()
export class AuthGuard implements CanActivate {
  constructor(
    private readonly keys: KeyRing,
    private readonly tokens: LeaseTokens,
    private readonly jobs: KnownJobs,
    @Inject(API_DATABASE) private readonly db: Database,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (isPublic(context)) return true;
    const request = context.switchToHttp().getRequest<AuthenticatedRequest>();
    const name = request.params['tenant'];
    if (isMarked(context, LEASE_HOLDER) && this.#holdsLease(request)) {
      if (typeof name === 'string') request.tenant = await this.#tenantNamed(name);
      return true;
    }
    const principal = await requirePrincipal(this.keys, request);
    request.principal = principal;
    if (typeof name === 'string') {
      const jobType = isMarked(context, NAMES_JOB_TYPE) ? jobTypeNamed(request) : null;
      const job =
        jobType === null ? null : await this.#jobNamed(request, principal, { tenant: name, jobType });
      const tenant = job?.tenant ?? (await this.#tenantNamed(name));
      if (!maySeeTenant(principal, tenant.id)) throw notFound('tenant', name);
      request.tenant = tenant;
      if (job !== null) request.namedJob = job;
    }
    if (isMarked(context, ADMIN_ONLY) && principal.role !== 'admin') {
      throw new ProblemError('forbidden', `expected an administrator's key, got a ${principal.role}'s`);
    }
    if (!mayManage(principal) && !isMarked(context, WORKERS_TOO)) {
      throw notAWorkers();
    }
    // What is assumed is proved by the insert, and was not read for this request.
    if (request.tenant !== undefined && request.namedJob?.isAssumed !== true && CHANGES.has(request.method))
      if (!isMarked(context, WHILE_SUSPENDED)) requireActive(request.tenant);
    return true;
  }

  /** A key that is sent is looked at in any case. */
  #holdsLease({ headers, params }: Request): boolean {
    const token = params['token'];
    return (
      headers.authorization === undefined && typeof token === 'string' && this.tokens.leaseOf(token) !== null
    );
  }

  async #tenantNamed(name: string): Promise<Tenant> {
    // What is no name at all is not asked for: the database would refuse some of it.
    const tenant = resourceName.safeParse(name).success ? await findTenant(this.db, name) : undefined;
    if (tenant === undefined) throw notFound('tenant', name);
    return tenant;
  }

  async #jobNamed(
    { body }: Request,
    principal: Principal,
    asked: { tenant: string; jobType: string },
  ): Promise<NamedJob> {
    const assumed = isLone(body) ? this.jobs.assumed(asked) : undefined;
    if (assumed !== undefined && maySeeTenant(principal, assumed.tenant.id))
      return { ...assumed, isAssumed: true };
    const isName = resourceName.safeParse(asked.tenant).success;
    const found = isName ? await this.jobs.read(asked) : undefined;
    if (found === undefined) throw notFound('tenant', asked.tenant);
    return { ...found, isAssumed: false };
  }
}

/** With a unique key more has to be looked up, and not only inserted. */
function isLone(body: unknown): boolean {
  return typeof body === 'object' && body !== null && !('unique' in body);
}

/** Null when the body has no name of a job type; what is wrong with it is told when the body is checked. */
function jobTypeNamed({ body }: Request): string | null {
  const parsed = z.looseObject({ jobType: resourceName }).safeParse(body);
  return parsed.success ? parsed.data.jobType : null;
}

const CHANGES = new Set(['POST', 'PATCH', 'PUT', 'DELETE']);

export function requireActive({ name, state }: Tenant): void {
  if (state === 'active') return;
  const detail = `expected tenant ${name} to be active, got one that is ${state}`;
  throw new ProblemError('invalid-state', detail, { currentState: state });
}

const LEASE_PATH = /^\/api\/v1\/tenants\/[^/]+\/worker\/leases\/([^/:?]+)/;

/** Refuses a body without a key before it is read, which is before the guard. A lease's token stands for a key. */
export function requireKeyForBodies(keys: KeyRing, tokens: LeaseTokens): RequestHandler {
  return async (request, _response, next): Promise<void> => {
    const { headers, url } = request;
    const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
    const [, token] = LEASE_PATH.exec(url) ?? [];
    const holdsLease =
      headers.authorization === undefined && token !== undefined && tokens.leaseOf(token) !== null;
    if (hasBody && url.startsWith('/api/') && !holdsLease) await requirePrincipal(keys, request);
    next();
  };
}

export function notAWorkers(): ProblemError {
  const expected = "expected an administrator's key or one of a tenant's administrator";
  return new ProblemError('forbidden', `${expected}, got a worker's, which may only take runs and end them`);
}

/** Throws a problem for a request without a key that somebody has been given. */
export async function requirePrincipal(keys: KeyRing, { headers }: IncomingMessage): Promise<Principal> {
  const header = headers.authorization;
  const [, key] = /^Bearer\s+(\S+)\s*$/i.exec(header ?? '') ?? [];
  const principal = key === undefined ? undefined : await keys.principalOf(key);
  if (principal !== undefined) return principal;
  throw new ProblemError(
    'unauthenticated',
    `expected the header "Authorization: Bearer <key>", got ${whatIsWrong(header, key)}`,
    {
      headers: { 'www-authenticate': 'Bearer' },
    },
  );
}

/** The header itself may hold a secret of another kind, so it is not repeated. */
function whatIsWrong(header: string | undefined, key: string | undefined): string {
  if (header === undefined) return 'no such header';
  return key === undefined ? 'another scheme' : 'an unknown or revoked key';
}

/** The tenant that the path names. Only on routes below a tenant. */
export const CurrentTenant = createParamDecorator((_: unknown, context: ExecutionContext): Tenant => {
  const { tenant } = context.switchToHttp().getRequest<AuthenticatedRequest>();
  if (tenant === undefined) throw new Error('expected a route with a :tenant parameter');
  return tenant;
});

/** What the path and the body name; null when the body names no job type and will be refused. Only on @NamesJobType() routes. */
export const CurrentJob = createParamDecorator((_: unknown, context: ExecutionContext): NamedJob | null => {
  const { namedJob = null } = context.switchToHttp().getRequest<AuthenticatedRequest>();
  return namedJob;
});

/** Who is asking. Not on public routes. */
export const CurrentPrincipal = createParamDecorator((_: unknown, context: ExecutionContext): Principal => {
  const { principal } = context.switchToHttp().getRequest<AuthenticatedRequest>();
  if (principal === undefined) throw new Error('expected a route that asks for a key');
  return principal;
});
