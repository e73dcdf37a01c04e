// May this job be requested? Its job type must exist, and its payload must be small enough and fit a schema: that of
// its handler, if the handler is known here, otherwise the JSON Schema of the job type. So the caller learns of a
// misfit at once, and not from a failed run.
import { Inject, Injectable } from '@nestjs/common';
import type { ValidationIssue } from '#client/jobs/standard-schema.js';
import type { Database } from '#database/connection.js';
import { whyKeyUnfit } from '#execution/intake/key-defaults.js';
import type { WantedRun } from '#execution/intake/wanted-run.js';
import { HandlerRegistry } from '#execution/targets/handler-registry.js';
import type { JobType } from '#execution/job-types/job-type.js';
import { findJobType } from '#execution/job-types/job-type.repository.js';
import { compileSchema, type SchemaCheck, type SchemaMismatch } from '#execution/schemas/json-schema.js';
import { SchemaChecks, type CheckBudget } from '#execution/schemas/schema-checks.js';
import { encodeJson } from '#execution/runs/stored-json.js';
import { jsonPointer } from '#kernel/json/json-pointer.js';
import { Remembered } from '#kernel/remembered.js';
import type { Tenant } from '#tenancy/tenant.repository.js';
import { API_DATABASE } from '../../tokens.js';
import { fieldErrors } from '../problems/field-errors.js';
import { invalidField, invalidFields, ProblemError } from '../problems/problem.js';

interface WantedJob extends Pick<WantedRun, 'concurrencyKey' | 'overlap' | 'order' | 'scheduleId'> {
  jobType: string;
  payload: unknown;
}

/** The tenant of the request, and how much its checks may still cost. */
interface Asking {
  tenant: Tenant;
  budget: CheckBudget;
}

/** The problem that names the field, or null. */
export type CheckJob = (job: WantedJob) => Promise<ProblemError | null>;

const COMPILED_MAX = 500;

@Injectable()
export class JobCheck {
  /** Checks of shared job types, by the text of the schema. Null for a schema that can't be compiled. */
  readonly #shared = new Remembered<string, SchemaCheck | null>({ max: COMPILED_MAX });

  constructor(
    @Inject(API_DATABASE) private readonly db: Database,
    private readonly registry: HandlerRegistry,
    private readonly checks: SchemaChecks,
  ) {}

  /** Throws a problem that names the field. */
  async require(tenant: Tenant, job: WantedJob, db: Database = this.db): Promise<void> {
    const problem = await this.checkerFor(tenant, db)(job);
    if (problem !== null) throw problem;
  }

  /**
   * Like `require`, for a job whose type was already read; null if there is none of that name. Returns the problem.
   */
  async problemOf(tenant: Tenant, jobType: JobType | null, job: WantedJob): Promise<ProblemError | null> {
    return this.#problemOf({ tenant, budget: SchemaChecks.budget() }, jobType ?? undefined, job);
  }

  /**
   * Throws a problem that names the place in the first schema that can't be used. The schemas stand `at` this place
   * of the body.
   */
  async requireSchemas(
    tenant: Tenant,
    schemas: Readonly<Record<string, object | null>>,
    at: readonly PropertyKey[] = [],
  ): Promise<void> {
    for (const [field, schema] of Object.entries(schemas)) {
      if (schema === null) continue;
      refuseCrowded(this.checks, tenant);
      const unusable = await this.checks.whyUnusable(tenant.id, schema);
      if (unusable === null) continue;
      const issue = { path: [field, ...unusable.path], message: unusable.expected };
      throw invalidFields(fieldErrors([issue], { [field]: schema }, (path) => jsonPointer([...at, ...path])));
    }
  }

  /** For the jobs of one request: each job type is read once, and all checks share one budget. */
  checkerFor(tenant: Tenant, db: Database): CheckJob {
    const asking = { tenant, budget: SchemaChecks.budget() };
    const read = new Map<string, Promise<JobType | undefined>>();
    return (job) => {
      const found = read.get(job.jobType) ?? findJobType(db, { tenantId: tenant.id, name: job.jobType });
      read.set(job.jobType, found);
      return found.then((jobType) => this.#problemOf(asking, jobType, job));
    };
  }

  async #problemOf(
    asking: Asking,
    jobType: JobType | undefined,
    job: WantedJob,
  ): Promise<ProblemError | null> {
    const { jobType: name, payload } = job;
    if (jobType === undefined)
      return invalidField(
        '/jobType',
        `expected the name of a job type that exists, got ${JSON.stringify(name)}`,
      );
    const unfitKey = whyKeyUnfit(job, jobType);
    if (unfitKey !== null) return invalidField('/concurrencyKey', unfitKey);
    const encoded = encodeJson(payload);
    if (encoded.kind === 'unfit')
      return new ProblemError('payload-too-large', `/payload: ${encoded.reason}`, {
        errors: [{ pointer: '/payload', detail: encoded.reason }],
      });
    const issues = await this.#issues(asking, jobType, { value: payload, json: encoded.json });
    if (issues.length === 0) return null;
    return invalidFields(fieldErrors(issues, payload, (path) => jsonPointer(['payload', ...path])));
  }

  async #issues(
    asking: Asking,
    jobType: JobType,
    { value, json }: { value: unknown; json: string },
  ): Promise<readonly ValidationIssue[]> {
    const { shared, target, payloadSchema } = jobType;
    const registered = target.kind === 'handler' ? this.registry.find(target.handler) : undefined;
    // A handler's own validator reports its mismatches in its own words. A tenant's schema may demand more.
    const checked = await registered?.definition.payload['~standard'].validate(value);
    if (checked?.issues !== undefined) return checked.issues;
    if (payloadSchema === null || (checked !== undefined && shared)) return [];
    return shared
      ? (this.#sharedCheckOf(payloadSchema)?.(value, 'all') ?? []).map(issueOf)
      : this.#issuesByTenant(asking, payloadSchema, { value, json });
  }

  async #issuesByTenant(
    { tenant, budget }: Asking,
    schema: object,
    checked: { value: unknown; json: string },
  ): Promise<ValidationIssue[]> {
    refuseCrowded(this.checks, tenant);
    const verdict = await this.checks.check({ tenantId: tenant.id, schema, ...checked, budget });
    switch (verdict.kind) {
      case 'fits':
        return [];
      case 'misfit':
        return verdict.mismatches.map(issueOf);
      case 'too-costly':
        return [{ path: [], message: verdict.expected }];
      case 'unusable':
        return [
          { path: [], message: `expected a job type whose payload schema can be used (${verdict.expected})` },
        ];
    }
  }

  #sharedCheckOf(payloadSchema: object): SchemaCheck | null {
    const key = JSON.stringify(payloadSchema);
    const known = this.#shared.get(key);
    if (known !== undefined) return known;
    const compiled = compileSchema(payloadSchema);
    const check = compiled.kind === 'compiled' ? compiled.check : null;
    this.#shared.set(key, check);
    return check;
  }
}

/** Throws a problem when the tenant has as many checks waiting as it may. */
export function refuseCrowded(checks: SchemaChecks, { id, name }: Pick<Tenant, 'id' | 'name'>): void {
  if (!checks.isCrowded(id)) return;
  throw new ProblemError(
    'quota-exceeded',
    `expected tenant ${name} to have at most 1,000 values, or 8 MiB of them, waiting to be checked against its schemas, got more`,
    { headers: { 'retry-after': '1' } },
  );
}

function issueOf({ path, expected }: SchemaMismatch): ValidationIssue {
  return { path, message: expected };
}
