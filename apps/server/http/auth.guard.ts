// Who is asking, and about which tenant? Every route wants a bearer key unless it is marked public. A key
// that may not see the tenant in the path gets the same answer as if the tenant did not exist (I10).
import {
  createParamDecorator,
  Inject,
  Injectable,
  SetMetadata,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { Request } from 'express';
import type { Database } from '#database/connection.js';
import { KeyRing } from '#tenancy/api-keys.js';
import { maySeeTenant, type Principal } from '#tenancy/decisions/api-key.js';
import { findTenant, type Tenant } from '#tenancy/tenant.repository.js';
import { API_DATABASE } from '../tokens.js';
import { notFound, ProblemError } from './problem.js';
import { resourceName } from './shapes.js';

const PUBLIC = 'carillon:public';
const ADMIN_ONLY = 'carillon:admin-only';

/** Anybody may call it, without a key. */
export const Public = () => SetMetadata(PUBLIC, true);
/** Only an administrator's key may call it. */
export const AdminOnly = () => SetMetadata(ADMIN_ONLY, true);

interface AuthenticatedRequest extends Request {
  principal?: Principal;
  tenant?: Tenant;
}

@Injectable()
export class AuthGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly keys: KeyRing,
    @Inject(API_DATABASE) private readonly db: Database,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    if (this.#isMarked(context, PUBLIC)) return true;
    const request = context.switchToHttp().getRequest<AuthenticatedRequest>();
    const principal = await this.#principalOf(request);
    request.principal = principal;
    const name = request.params['tenant'];
    if (typeof name === 'string') request.tenant = await this.#tenantOf(principal, name);
    if (this.#isMarked(context, ADMIN_ONLY) && principal.role !== 'admin') {
      throw new ProblemError('forbidden', `expected an administrator's key, got a ${principal.role}'s`);
    }
    return true;
  }

  #isMarked(context: ExecutionContext, mark: string): boolean {
    return (
      this.reflector.getAllAndOverride<boolean | undefined>(mark, [
        context.getHandler(),
        context.getClass(),
      ]) === true
    );
  }

  async #principalOf(request: Request): Promise<Principal> {
    const header = request.headers.authorization;
    const [, key] = /^Bearer\s+(\S+)\s*$/i.exec(header ?? '') ?? [];
    const principal = key === undefined ? undefined : await this.keys.principalOf(key);
    if (principal !== undefined) return principal;
    throw new ProblemError(
      'unauthenticated',
      `expected the header "Authorization: Bearer <key>", got ${whatIsWrong(header, key)}`,
      {
        headers: { 'www-authenticate': 'Bearer' },
      },
    );
  }

  async #tenantOf(principal: Principal, name: string): Promise<Tenant> {
    // What is no name at all is not asked for: the database would refuse some of it.
    const tenant = resourceName.safeParse(name).success ? await findTenant(this.db, name) : undefined;
    if (tenant === undefined || !maySeeTenant(principal, tenant.id)) throw notFound('tenant', name);
    return tenant;
  }
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

/** Who is asking. Not on public routes. */
export const CurrentPrincipal = createParamDecorator((_: unknown, context: ExecutionContext): Principal => {
  const { principal } = context.switchToHttp().getRequest<AuthenticatedRequest>();
  if (principal === undefined) throw new Error('expected a route that asks for a key');
  return principal;
});
