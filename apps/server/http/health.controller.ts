// Is this replica alive, and may it be sent work? Live asks nobody, so that a database outage restarts no
// process; ready means that the replica beats and is not on its way out.
import { Controller, Get, Res } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import { ReplicaService } from '../replica/replica-service.js';
import { Public } from './auth.guard.js';

@ApiTags('health')
@Public()
@Controller('healthz')
export class HealthController {
  constructor(private readonly replica: ReplicaService) {}

  @Get('live')
  @ApiOperation({ summary: '200 while the process answers' })
  live() {
    return { status: 'live' };
  }

  @Get('ready')
  @ApiOperation({ summary: '200 while the replica beats and is not draining, else 503' })
  ready(@Res({ passthrough: true }) response: Response) {
    const { isReady } = this.replica;
    response.status(isReady ? 200 : 503);
    return { status: isReady ? 'ready' : 'not-ready' };
  }
}
