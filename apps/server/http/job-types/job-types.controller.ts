// What can be done with job types? Tenants add their own. Those that the replicas registered are listed beside them
// and can't be changed here.
import {
  Body,
  Controller,
  Delete,
  Get,
  Headers,
  HttpCode,
  Inject,
  Param,
  Patch,
  Post,
  Query,
  Res,
} from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiConsumes,
  ApiCreatedResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import type { Response } from 'express';
import { z } from 'zod';
import { inTransaction, type Database } from '#database/connection.js';
import { isUniqueViolation } from '#database/error-kind.js';
import type { JobType } from '#execution/job-types/job-type.js';
import {
  deleteJobType,
  findJobType,
  insertJobType,
  listJobTypes,
  pauseJobType,
  resumeJobType,
  updateJobType,
} from '#execution/job-types/job-type.repository.js';
import type { Tenant } from '#tenancy/tenant.repository.js';
import { ReplicaService } from '../../replica/replica-service.js';
import { API_DATABASE } from '../../tokens.js';
import { CurrentTenant, WhileSuspended } from '../access/auth.guard.js';
import { ApiIfMatch, revisionOf, staleRevision } from '../answers/etag.js';
import { Idempotent, Writes, type Writing } from '../access/idempotency.js';
import { JobCheck } from './job-check.js';
import { requireSemaphores } from './lock-check.js';
import { TargetCheck } from './target-check.js';
import * as shapes from './job-type.shapes.js';
import { PageTokens, pageQuery } from '../answers/page-token.js';
import { nameTaken, notFound, ProblemError } from '../problems/problem.js';
import { ApiTenant, pageOf, resourceName } from '../requests/shapes.js';
import { requireRoom } from '../access/tenant-shares.js';

const listQuery = z.strictObject(pageQuery);

@ApiTags('job types')
@ApiBearerAuth()
@ApiTenant()
@Controller('api/v1/tenants/:tenant/job-types')
export class JobTypesController {
  constructor(
    @Inject(API_DATABASE) private readonly db: Database,
    private readonly pages: PageTokens,
    private readonly check: JobCheck,
    private readonly targets: TargetCheck,
    private readonly replica: ReplicaService,
  ) {}

  @Get()
  @ApiOperation({ operationId: 'listJobTypes', summary: 'List the job types that the tenant can use' })
  @ApiOkResponse({ standardSchema: pageOf(shapes.jobType) })
  async list(
    @CurrentTenant() tenant: Tenant,
    @Query({ schema: listQuery }) { pageSize, pageToken }: z.infer<typeof listQuery>,
  ) {
    const filter = { jobTypesOf: tenant.id };
    const { rows, isCut } = await listJobTypes(this.db, {
      tenantId: tenant.id,
      afterName: this.pages.open(pageToken, filter),
      limit: pageSize + 1,
    });
    return this.pages.page(rows, {
      size: pageSize,
      isCut,
      filter,
      keyOf: (row) => row.name,
      show: shapes.showJobType,
    });
  }

  @Post()
  @Idempotent()
  @ApiOperation({ operationId: 'createJobType', summary: 'Create a job type of the tenant' })
  @ApiCreatedResponse({ standardSchema: shapes.jobType })
  async create(
    @CurrentTenant() tenant: Tenant,
    @Body({ schema: shapes.jobTypeInput }) input: shapes.JobTypeInput,
    @Writes() { db }: Writing,
    @Res({ passthrough: true }) response: Response,
  ): Promise<shapes.ShownJobType> {
    await this.targets.require(tenant, input.target);
    const { payloadSchema, outputSchema } = input;
    await this.check.requireSchemas(tenant, { payloadSchema, outputSchema });
    await requireSemaphores(this.db, tenant, { locks: input.locks, pointer: '/locks' });
    try {
      const created = await inTransaction(db, async (tx) => {
        await requireRoom(tx, tenant, { name: 'maxJobTypes' });
        return insertJobType(tx, tenant.id, input);
      });
      response.setHeader('Location', `/api/v1/tenants/${tenant.name}/job-types/${created.name}`);
      return shapes.answerWith(created, response);
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
      throw nameTaken(input.name);
    }
  }

  @Get(':jobType')
  @ApiOperation({ operationId: 'getJobType', summary: 'Read a job type' })
  @ApiOkResponse({ standardSchema: shapes.jobType })
  async read(
    @CurrentTenant() tenant: Tenant,
    @Param('jobType', { schema: resourceName }) name: string,
    @Res({ passthrough: true }) response: Response,
  ): Promise<shapes.ShownJobType> {
    const jobType = await findJobType(this.db, { tenantId: tenant.id, name });
    if (jobType === undefined) throw notFound('job type', name);
    return shapes.answerWith(jobType, response);
  }

  @Patch(':jobType')
  @ApiConsumes('application/merge-patch+json', 'application/json')
  @ApiIfMatch()
  @ApiOperation({
    operationId: 'updateJobType',
    summary: 'Change a job type of the tenant',
    description: 'Within seconds the change applies to runs that start.',
  })
  @ApiOkResponse({ standardSchema: shapes.jobType })
  async patch(
    @CurrentTenant() tenant: Tenant,
    @Param('jobType', { schema: resourceName }) name: string,
    @Body({ schema: shapes.jobTypePatch }) patch: shapes.JobTypePatch,
    @Headers('if-match') ifMatch: string | undefined,
    @Res({ passthrough: true }) response: Response,
  ): Promise<shapes.ShownJobType> {
    if (patch.target !== undefined) await this.targets.require(tenant, patch.target);
    await requireSemaphores(this.db, tenant, { locks: patch.locks, pointer: '/locks' });
    const revision = revisionOf(ifMatch);
    const changed = await updateJobType(this.db, { tenantId: tenant.id, name, revision }, patch);
    if (changed === undefined) throw await this.#whyUnchanged(tenant, { name, sent: revision });
    return shapes.answerWith(changed, response);
  }

  @Post(':jobType\\:pause')
  @WhileSuspended()
  @HttpCode(200)
  @ApiOperation({
    operationId: 'pauseJobType',
    summary: 'Pause a job type of the tenant',
    description: 'Within a second or two none of its runs starts; running ones go on.',
  })
  @ApiOkResponse({ standardSchema: shapes.jobType })
  async pause(
    @CurrentTenant() tenant: Tenant,
    @Param('jobType', { schema: resourceName }) name: string,
    @Body({ schema: shapes.pauseInput }) { reason }: shapes.PauseInput,
    @Res({ passthrough: true }) response: Response,
  ): Promise<shapes.ShownJobType> {
    const paused = await pauseJobType(this.db, { tenantId: tenant.id, name, reason });
    return shapes.answerWith(await this.#steered(tenant, name, paused), response);
  }

  @Post(':jobType\\:resume')
  @HttpCode(200)
  @ApiOperation({ operationId: 'resumeJobType', summary: 'Resume a job type that is paused' })
  @ApiOkResponse({ standardSchema: shapes.jobType })
  async resume(
    @CurrentTenant() tenant: Tenant,
    @Param('jobType', { schema: resourceName }) name: string,
    @Res({ passthrough: true }) response: Response,
  ): Promise<shapes.ShownJobType> {
    const resumed = await resumeJobType(this.db, { tenantId: tenant.id, name });
    return shapes.answerWith(await this.#steered(tenant, name, resumed), response);
  }

  async #steered(tenant: Tenant, name: string, jobType: JobType | undefined): Promise<JobType> {
    if (jobType === undefined) throw await this.#whyUnchanged(tenant, { name, sent: null });
    // The owner reads the rules of a slot's lanes whenever it scans the slot.
    this.replica.hintWork([tenant.slot]);
    return jobType;
  }

  @Delete(':jobType')
  @WhileSuspended()
  @ApiIfMatch()
  @HttpCode(204)
  @ApiOperation({
    operationId: 'deleteJobType',
    summary: 'Delete a job type of the tenant',
    description: 'Runs that name it will fail.',
  })
  async delete(
    @CurrentTenant() tenant: Tenant,
    @Param('jobType', { schema: resourceName }) name: string,
    @Headers('if-match') ifMatch: string | undefined,
  ): Promise<void> {
    const revision = revisionOf(ifMatch);
    if (await deleteJobType(this.db, { tenantId: tenant.id, name, revision })) return;
    throw await this.#whyUnchanged(tenant, { name, sent: revision });
  }

  async #whyUnchanged(
    tenant: Tenant,
    { name, sent }: { name: string; sent: number | null },
  ): Promise<ProblemError> {
    const current = await findJobType(this.db, { tenantId: tenant.id, name });
    if (current === undefined) return notFound('job type', name);
    return current.shared ? sharedByAll(name) : staleRevision({ current: current.revision, sent });
  }
}

function sharedByAll(name: string): ProblemError {
  const got = `got ${JSON.stringify(name)}, which the replicas share with all tenants`;
  const remedy =
    'to limit its runs, make a job type of your own whose target names the same handler; to hold them back, give them a queue of their own and pause it';
  return new ProblemError('not-found', `expected a job type of the tenant, ${got}; ${remedy}`);
}
