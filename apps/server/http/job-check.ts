// May this job be asked for? Its job type must exist, and its payload must be small enough and fit the
// schema of the handler that will get it, if that is known here. Whoever asks is told at once, and not
// by a failed run.
import { Inject, Injectable } from '@nestjs/common';
import type { Database } from '#database/connection.js';
import { HandlerRegistry } from '#execution/handler-registry.js';
import { findJobType } from '#execution/job-type.repository.js';
import { encodeJson } from '#execution/stored-json.js';
import type { Tenant } from '#tenancy/tenant.repository.js';
import { API_DATABASE } from '../tokens.js';
import { fieldErrors, jsonPointer } from './field-errors.js';
import { invalidField, invalidFields, ProblemError } from './problem.js';

@Injectable()
export class JobCheck {
  constructor(
    @Inject(API_DATABASE) private readonly db: Database,
    private readonly registry: HandlerRegistry,
  ) {}

  /** Throws a problem that names the field. */
  async require(
    tenant: Tenant,
    { jobType: name, payload }: { jobType: string; payload: unknown },
  ): Promise<void> {
    const jobType = await findJobType(this.db, { tenantId: tenant.id, name });
    if (jobType === undefined)
      throw invalidField(
        '/jobType',
        `expected the name of a job type that exists, got ${JSON.stringify(name)}`,
      );
    const encoded = encodeJson(payload);
    if (encoded.kind === 'unfit') throw new ProblemError('payload-too-large', `/payload: ${encoded.reason}`);
    const registered =
      jobType.target.kind === 'handler' ? this.registry.find(jobType.target.handler) : undefined;
    const checked = await registered?.definition.payload['~standard'].validate(payload);
    if (checked?.issues === undefined) return;
    throw invalidFields(fieldErrors(checked.issues, payload, (path) => jsonPointer(['payload', ...path])));
  }
}
