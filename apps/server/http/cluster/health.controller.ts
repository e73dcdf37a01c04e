// Is this replica alive, and may it be sent work? `live` does not ask the database, so that an outage restarts no
// process. `ready` means that the replica sends its heartbeats and is not draining.
import { Controller, Get, Res } from '@nestjs/common';
import { ApiOkResponse, ApiOperation, ApiServiceUnavailableResponse, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import { z } from 'zod';
import { ReplicaService } from '../../replica/replica-service.js';
import { Public } from '../access/auth.guard.js';

const live = z.object({ status: z.literal('live') });
const ready = z.object({ status: z.literal('ready') });
const notReady = z.object({ status: z.literal('not-ready') });

@ApiTags('health')
@Public()
@Controller('healthz')
export class HealthController {
  constructor(private readonly replica: ReplicaService) {}

  @Get('live')
  @ApiOperation({ operationId: 'checkLiveness', summary: '200 while the process answers' })
  @ApiOkResponse({ standardSchema: live })
  live() {
    return { status: 'live' };
  }

  @Get('ready')
  @ApiOperation({
    operationId: 'checkReadiness',
    summary: '200 while the replica sends its heartbeats and is not draining, otherwise 503',
  })
  @ApiOkResponse({ standardSchema: ready })
  @ApiServiceUnavailableResponse({ standardSchema: notReady })
  ready(@Res({ passthrough: true }) response: Response) {
    const { isReady } = this.replica;
    response.status(isReady ? 200 : 503);
    return { status: isReady ? 'ready' : 'not-ready' };
  }
}
