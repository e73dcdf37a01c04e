// Which tenant does a request name? Its path names the tenant, and the body of some requests a job type, which is read
// by the same statement. For a run that comes alone both may be assumed (assumed-jobs.ts): then nothing is read, and
// the intake proves the assumption or reads them again.
import { createParamDecorator, Inject, Injectable, type ExecutionContext } from '@nestjs/common';
import type { Request } from 'express';
import type { Database } from '#database/connection.js';
import { AssumedJobs, type NamedJob } from '#execution/intake/assumed-jobs.js';
import { findTenant, type Tenant } from '#tenancy/tenant.repository.js';
import { API_DATABASE } from '../../tokens.js';
import { resourceName } from '../requests/shapes.js';

export interface NamedTenant {
  tenant: Tenant;
  /** Null when the request names no job type. */
  job: NamedJob<Tenant> | null;
}

interface Naming {
  /** The tenant that the path names. */
  name: string;
  /** Of a route whose bodies name a job type. */
  body?: unknown;
  /** Whether the caller may see the tenant; if not, it learns by nothing that the tenant is known here. */
  maySee?: (tenant: Tenant) => boolean;
}

export interface NamingRequest extends Request {
  namedJob?: NamedJob<Tenant> | null;
}

@Injectable()
export class NamedTenants {
  constructor(
    @Inject(API_DATABASE) private readonly db: Database,
    private readonly jobs: AssumedJobs<Tenant>,
  ) {}

  /** Null when there is none. A text that is no name is not looked up: the database would refuse some such texts. */
  async find({ name, body, maySee }: Naming): Promise<NamedTenant | null> {
    if (!resourceName.safeParse(name).success) return null;
    const jobType = jobTypeNamed(body);
    if (jobType === null) {
      const tenant = await findTenant(this.db, name);
      return tenant === undefined ? null : { tenant, job: null };
    }
    const names = { tenant: name, jobType };
    const assumed = isLone(body) ? this.jobs.assumed(names) : undefined;
    if (assumed !== undefined && maySee?.(assumed.tenant) === true)
      return { tenant: assumed.tenant, job: { ...assumed, isAssumed: true } };
    const read = await this.jobs.read(this.db, names);
    return read === undefined ? null : { tenant: read.tenant, job: { ...read, isAssumed: false } };
  }
}

/** A unique key needs look-ups beside the insert, and a debounced run another one. */
function isLone(body: unknown): boolean {
  return typeof body === 'object' && body !== null && !('unique' in body) && !('debounce' in body);
}

/** Null when the body names no job type; the check of the body then reports what is wrong. */
function jobTypeNamed(body: unknown): string | null {
  const named: unknown = typeof body === 'object' && body !== null && 'jobType' in body ? body.jobType : null;
  const parsed = resourceName.safeParse(named);
  return parsed.success ? parsed.data : null;
}

/**
 * The tenant and job type of the request; null when the body names no job type and will be refused. Only on
 * @NamesJobType() routes.
 */
export const CurrentJob = createParamDecorator((_: unknown, context: ExecutionContext) => {
  const { namedJob = null } = context.switchToHttp().getRequest<NamingRequest>();
  return namedJob;
});
