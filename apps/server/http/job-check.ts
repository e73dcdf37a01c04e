// May this job be asked for? Its job type must exist, and its payload must be small enough and fit: the schema of
// the handler that will get it, if that is known here, or else the JSON Schema that the job type has. Whoever
// asks is told at once, and not by a failed run.
import { Inject, Injectable } from '@nestjs/common';
import type { Database } from '#database/connection.js';
import { HandlerRegistry } from '#execution/handler-registry.js';
import type { JobType } from '#execution/job-type.js';
import { findJobType } from '#execution/job-type.repository.js';
import { compileSchema, type SchemaCheck } from '#execution/json-schema.js';
import { encodeJson } from '#execution/stored-json.js';
import type { Tenant } from '#tenancy/tenant.repository.js';
import { API_DATABASE } from '../tokens.js';
import { fieldErrors, jsonPointer } from './field-errors.js';
import { invalidField, invalidFields, ProblemError } from './problem.js';

interface WantedJob {
  jobType: string;
  payload: unknown;
}

/** The problem that names the field, or null. */
export type CheckJob = (job: WantedJob) => Promise<ProblemError | null>;

const COMPILED_MAX = 500;

@Injectable()
export class JobCheck {
  /** By the schema's text. Null for those that can't be compiled, which only replicas of ours bring. */
  readonly #compiled = new Map<string, SchemaCheck | null>();

  constructor(
    @Inject(API_DATABASE) private readonly db: Database,
    private readonly registry: HandlerRegistry,
  ) {}

  /** Throws a problem that names the field. */
  async require(tenant: Tenant, job: WantedJob, db: Database = this.db): Promise<void> {
    const problem = await this.checkerFor(tenant, db)(job);
    if (problem !== null) throw problem;
  }

  /** The same of a job whose type has been read; null if there is none of that name. */
  async problemOf(jobType: JobType | null, job: WantedJob): Promise<ProblemError | null> {
    return this.#problemOf(jobType ?? undefined, job);
  }

  /** For the jobs of one request: each job type is read once. */
  checkerFor(tenant: Tenant, db: Database): CheckJob {
    const read = new Map<string, Promise<JobType | undefined>>();
    return (job) => {
      const found = read.get(job.jobType) ?? findJobType(db, { tenantId: tenant.id, name: job.jobType });
      read.set(job.jobType, found);
      return found.then((jobType) => this.#problemOf(jobType, job));
    };
  }

  async #problemOf(
    jobType: JobType | undefined,
    { jobType: name, payload }: WantedJob,
  ): Promise<ProblemError | null> {
    if (jobType === undefined)
      return invalidField(
        '/jobType',
        `expected the name of a job type that exists, got ${JSON.stringify(name)}`,
      );
    const encoded = encodeJson(payload);
    if (encoded.kind === 'unfit')
      return new ProblemError('payload-too-large', `/payload: ${encoded.reason}`, {
        errors: [{ pointer: '/payload', detail: encoded.reason }],
      });
    const issues = await this.#issues(jobType, payload);
    if (issues.length === 0) return null;
    return invalidFields(fieldErrors(issues, payload, (path) => jsonPointer(['payload', ...path])));
  }

  async #issues(jobType: JobType, payload: unknown) {
    const registered =
      jobType.target.kind === 'handler' ? this.registry.find(jobType.target.handler) : undefined;
    // What a handler will check is told in its own validator's words. A tenant's schema may ask for more.
    const checked = await registered?.definition.payload['~standard'].validate(payload);
    if (checked?.issues !== undefined) return checked.issues;
    if (checked !== undefined && jobType.shared) return [];
    const check = this.#schemaCheckOf(jobType);
    return (check?.(payload) ?? []).map(({ path, expected }) => ({ path, message: expected }));
  }

  #schemaCheckOf({ payloadSchema, shared }: JobType): SchemaCheck | null {
    if (payloadSchema === null) return null;
    const key = `${shared ? 'shared' : 'own'} ${JSON.stringify(payloadSchema)}`;
    const known = this.#compiled.get(key);
    if (known !== undefined) return known;
    const compiled = compileSchema(payloadSchema, { trusted: shared });
    const check = compiled.kind === 'compiled' ? compiled.check : null;
    if (this.#compiled.size >= COMPILED_MAX) this.#compiled.clear();
    this.#compiled.set(key, check);
    return check;
  }
}
