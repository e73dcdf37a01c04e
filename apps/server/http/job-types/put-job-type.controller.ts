// The route that makes a job type of the tenant what its body says: what is left out has its default, and the same
// content again changes nothing. A pause is no part of what it says, and stays.
import { isDeepStrictEqual } from 'node:util';
import { Body, Controller, Headers, Inject, Param, Put, Res } from '@nestjs/common';
import { ApiBearerAuth, ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import { inTransaction, type Database } from '#database/connection.js';
import { isUniqueViolation } from '#database/error-kind.js';
import type { JobType } from '#execution/job-types/job-type.js';
import { findJobType, insertJobType } from '#execution/job-types/job-type.repository.js';
import { replaceJobType } from '#execution/job-types/job-type-replace.repository.js';
import type { Tenant } from '#tenancy/tenant.repository.js';
import { ReplicaService } from '../../replica/replica-service.js';
import { API_DATABASE } from '../../tokens.js';
import { CurrentTenant } from '../access/auth.guard.js';
import { requireRoom } from '../access/tenant-shares.js';
import { ensure } from '../answers/ensured.js';
import { ApiApplies } from '../answers/etag.js';
import { refuseOtherName } from '../problems/problem.js';
import { ApiTenant, resourceName } from '../requests/shapes.js';
import { JobCheck } from './job-check.js';
import * as shapes from './job-type.shapes.js';
import { requireSemaphores } from './lock-check.js';
import { TargetCheck } from './target-check.js';

@ApiTags('job types')
@ApiBearerAuth()
@ApiTenant()
@Controller('api/v1/tenants/:tenant/job-types')
export class PutJobTypeController {
  constructor(
    @Inject(API_DATABASE) private readonly db: Database,
    private readonly check: JobCheck,
    private readonly targets: TargetCheck,
    private readonly replica: ReplicaService,
  ) {}

  @Put(':jobType')
  @ApiApplies()
  @ApiOperation({
    operationId: 'putJobType',
    summary: 'Create or replace a job type of the tenant',
    description: 'What is left out has its default; the same content again changes nothing.',
  })
  @ApiCreatedResponse({ standardSchema: shapes.jobType })
  @ApiOkResponse({ standardSchema: shapes.jobType })
  async put(
    @CurrentTenant() tenant: Tenant,
    @Param('jobType', { schema: resourceName }) name: string,
    @Body({ schema: shapes.jobTypeApplied }) { name: given, ...content }: shapes.JobTypeApplied,
    @Headers('if-match') ifMatch: string | undefined,
    @Headers('if-none-match') ifNoneMatch: string | undefined,
    @Res({ passthrough: true }) response: Response,
  ): Promise<shapes.ShownJobType> {
    refuseOtherName(given, name);
    const ref = { tenantId: tenant.id, name };
    const { kind, resource } = await ensure<JobType>(
      { ifMatch, ifNoneMatch },
      {
        what: 'job type',
        name,
        find: async () => {
          const found = await findJobType(this.db, ref);
          // One of its own then hides the one that the replicas share.
          return found?.shared === true ? undefined : found;
        },
        create: async () => {
          await this.#require(tenant, content);
          return this.#create(tenant, { ...content, name });
        },
        isSame: (current) => isSame(content, current),
        replace: async (current) => {
          await this.#require(tenant, content, current);
          return replaceJobType(this.db, { ...ref, revision: current.revision }, content);
        },
      },
    );
    if (kind === 'created')
      response.status(201).setHeader('Location', `/api/v1/tenants/${tenant.name}/job-types/${name}`);
    if (kind === 'changed') this.replica.hintWork([tenant.slot]);
    return shapes.answerWith(resource, response);
  }

  /** Only what differs is checked, as in a patch. */
  async #require(tenant: Tenant, content: Content, current?: JobType): Promise<void> {
    const { target, payloadSchema, outputSchema, locks } = content;
    const differs = (field: keyof Content): boolean => !isDeepStrictEqual(content[field], current?.[field]);
    if (differs('target')) await this.targets.require(tenant, target);
    if (differs('payloadSchema') || differs('outputSchema'))
      await this.check.requireSchemas(tenant, { payloadSchema, outputSchema });
    if (differs('locks')) await requireSemaphores(this.db, tenant, { locks, pointer: '/locks' });
  }

  async #create(tenant: Tenant, input: Content & { name: string }): Promise<JobType | undefined> {
    try {
      return await inTransaction(this.db, async (tx) => {
        await requireRoom(tx, tenant, { name: 'maxJobTypes' });
        return insertJobType(tx, tenant.id, input);
      });
    } catch (error) {
      if (isUniqueViolation(error)) return undefined;
      throw error;
    }
  }
}

type Content = Omit<shapes.JobTypeApplied, 'name'>;

/** In whichever order their fields stand. */
function isSame(content: Content, current: JobType): boolean {
  return (Object.keys(content) as (keyof Content)[]).every((field) =>
    isDeepStrictEqual(plain(content[field]), plain(current[field])),
  );
}

/** A field that is undefined is none. */
function plain(value: unknown): unknown {
  return value === undefined ? null : JSON.parse(JSON.stringify(value));
}
