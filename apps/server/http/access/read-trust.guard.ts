// May this replica answer a read? Not while it can't be sure that it is a member: what it reaches may be a former primary,
// directly or behind a pooler that has not noticed, which knows nothing of runs that others have acknowledged since, and
// "there is no such run" would be a lie. Then it refuses as its readiness does. Writes are asked of the database all the
// same: a server that is no primary takes none.
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
      'this replica has lost touch with the cluster, so what it reads may be out of date; ask again, or ask another replica',
      { headers: { 'retry-after': '2' } },
    );
  }
}
