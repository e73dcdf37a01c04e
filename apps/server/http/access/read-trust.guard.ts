// May this replica answer a read? Not while it is unsure whether it is still a member. It may be reading a former
// primary, directly or behind a pooler that has not noticed; that server lacks the runs that other replicas have
// acknowledged since, so "there is no such run" could be false. Then the guard refuses reads, as readiness does.
// Writes pass: a server that is no primary refuses them itself.
import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { Request } from 'express';
import { ReplicaService } from '../../replica/replica-service.js';
import { isPublic } from './auth.guard.js';
import { ProblemError } from '../problems/problem.js';

const READS = new Set(['GET', 'HEAD']);

@Injectable()
export class ReadTrustGuard implements CanActivate {
  constructor(private readonly replica: ReplicaService) {}

  canActivate(context: ExecutionContext): boolean {
    const { method } = context.switchToHttp().getRequest<Request>();
    if (!READS.has(method) || isPublic(context) || !this.replica.hasLostTouch) return true;
    throw new ProblemError(
      'database-unavailable',
      'this replica has lost touch with the cluster, so what it reads may be out of date; try again, or try another replica',
      { headers: { 'retry-after': '2' } },
    );
  }
}
