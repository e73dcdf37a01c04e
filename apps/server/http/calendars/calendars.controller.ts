// The routes of calendars, which schedules refer to by name. A change is answered once it is written; within a second or two
// the leader moves the schedules.
import {
  Body,
  Controller,
  Delete,
  Get,
  Headers,
  HttpCode,
  Inject,
  Param,
  Put,
  Query,
  Res,
} from '@nestjs/common';
import { ApiBearerAuth, ApiCreatedResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import { z } from 'zod';
import type { Database } from '#database/connection.js';
import { findCalendar, listCalendars, type Calendar } from '#scheduling/calendars/calendar.repository.js';
import { CALENDARS_MAX, deleteCalendar, putCalendar } from '#scheduling/calendars/calendars.js';
import type { Tenant } from '#tenancy/tenant.repository.js';
import { ReplicaService } from '../../replica/replica-service.js';
import { API_DATABASE } from '../../tokens.js';
import { CurrentTenant, WhileSuspended } from '../access/auth.guard.js';
import {
  alreadyThere,
  ApiApplies,
  ApiIfMatch,
  etagOf,
  isStar,
  revisionOf,
  staleRevision,
} from '../answers/etag.js';
import { PageTokens, pageQuery } from '../answers/page-token.js';
import { ProblemError, notFound, refuseOtherName } from '../problems/problem.js';
import { ApiTenant, pageOf, resourceName } from '../requests/shapes.js';
import * as shapes from './calendar.shapes.js';

const listQuery = z.strictObject(pageQuery);

@ApiTags('calendars')
@ApiBearerAuth()
@ApiTenant()
@Controller('api/v1/tenants/:tenant/calendars')
export class CalendarsController {
  constructor(
    @Inject(API_DATABASE) private readonly db: Database,
    private readonly pages: PageTokens,
    private readonly replica: ReplicaService,
  ) {}

  @Get()
  @ApiOperation({ operationId: 'listCalendars', summary: "List the tenant's calendars, by name" })
  @ApiOkResponse({ standardSchema: pageOf(shapes.calendar) })
  async list(
    @CurrentTenant() tenant: Tenant,
    @Query({ schema: listQuery }) { pageSize, pageToken }: z.output<typeof listQuery>,
  ) {
    const filter = { calendarsOf: tenant.id };
    const { rows, isCut } = await listCalendars(this.db, {
      tenantId: tenant.id,
      afterName: this.pages.open(pageToken, filter),
      limit: pageSize + 1,
    });
    return this.pages.page(rows, {
      size: pageSize,
      isCut,
      filter,
      keyOf: (row) => row.name,
      show: shapes.showCalendar,
    });
  }

  @Get(':calendar')
  @ApiOperation({ operationId: 'getCalendar', summary: 'Read a calendar' })
  @ApiOkResponse({ standardSchema: shapes.calendar })
  async read(
    @CurrentTenant() tenant: Tenant,
    @Param('calendar', { schema: resourceName }) name: string,
    @Res({ passthrough: true }) response: Response,
  ) {
    const found = await findCalendar(this.db, { tenantId: tenant.id, name });
    if (found === undefined) throw notFound('calendar', name);
    return answerWith(found, response);
  }

  @Put(':calendar')
  @ApiApplies()
  @ApiOperation({
    operationId: 'putCalendar',
    summary: 'Create or replace a calendar',
    description: 'Schedules that refer to it follow within seconds; the same content again changes nothing.',
  })
  @ApiCreatedResponse({ standardSchema: shapes.calendar })
  @ApiOkResponse({ standardSchema: shapes.calendar })
  async put(
    @CurrentTenant() tenant: Tenant,
    @Param('calendar', { schema: resourceName }) name: string,
    @Body({ schema: shapes.calendarInput }) input: shapes.CalendarInput,
    @Headers('if-match') ifMatch: string | undefined,
    @Headers('if-none-match') ifNoneMatch: string | undefined,
    @Res({ passthrough: true }) response: Response,
  ) {
    refuseOtherName(input.name, name);
    const revision = ifMatch === undefined ? null : revisionOf(ifMatch);
    const result = await putCalendar(
      this.db,
      { tenantId: tenant.id, name, revision },
      {
        dates: input.dates,
        description: input.description ?? null,
        mayCreate: ifMatch === undefined,
        mayReplace: !isStar(ifNoneMatch),
      },
    );
    switch (result.kind) {
      case 'not-found':
        throw notFound('calendar', name);
      case 'stale':
        throw staleRevision({ current: result.currentRevision, sent: revision });
      case 'exists':
        throw alreadyThere('calendar', name, result.currentRevision);
      case 'full':
        throw new ProblemError(
          'quota-exceeded',
          `expected the tenant to have at most ${CALENDARS_MAX} calendars, got one more in addition to ${result.current}`,
        );
      case 'created':
        response.status(201).setHeader('Location', `/api/v1/tenants/${tenant.name}/calendars/${name}`);
        return answerWith(result.calendar, response);
      case 'changed':
        this.replica.hintPlan();
        return answerWith(result.calendar, response);
      case 'same':
        return answerWith(result.calendar, response);
    }
  }

  @Delete(':calendar')
  @WhileSuspended()
  @ApiIfMatch()
  @HttpCode(204)
  @ApiOperation({ operationId: 'deleteCalendar', summary: 'Delete a calendar to which no schedule refers' })
  async delete(
    @CurrentTenant() tenant: Tenant,
    @Param('calendar', { schema: resourceName }) name: string,
    @Headers('if-match') ifMatch: string | undefined,
  ): Promise<void> {
    const revision = revisionOf(ifMatch);
    const result = await deleteCalendar(this.db, { tenantId: tenant.id, name, revision });
    switch (result.kind) {
      case 'deleted':
        return;
      case 'not-found':
        throw notFound('calendar', name);
      case 'stale':
        throw staleRevision({ current: result.currentRevision, sent: revision });
      case 'in-use':
        throw new ProblemError(
          'invalid-state',
          `expected a calendar to which no schedule refers, got ${name}, to which ${result.schedules} ${result.schedules === 1 ? 'refers' : 'refer'}`,
          { currentState: 'in-use' },
        );
    }
  }
}

function answerWith(calendar: Calendar, response: Response) {
  response.setHeader('ETag', etagOf(calendar.revision));
  return shapes.showCalendar(calendar);
}
