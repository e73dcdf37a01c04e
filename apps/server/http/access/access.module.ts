// What each request passes before its route: the guards in their order, the pipe that checks it, and the filter that
// turns errors into answers. The shares that the routes count against live here too. Global, because every route
// stands behind it.
import { Global, Module, type DynamicModule } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_PIPE } from '@nestjs/core';
import { AssumedJobs } from '#execution/intake/assumed-jobs.js';
import { PageTokens } from '../answers/page-token.js';
import { ProblemFilter } from '../problems/problem.filter.js';
import { UnreadPartsGuard } from '../requests/unread-parts.guard.js';
import { SchemaPipe } from '../requests/schema.pipe.js';
import { AuthGuard } from './auth.guard.js';
import { GateTurns } from './tenant-turns.js';
import { NamedTenants } from './named-tenants.js';
import { ReadTrustGuard } from './read-trust.guard.js';
import { RequestTurns } from './request-turns.js';
import { findTenantAndJob } from './tenant-and-job.repository.js';
import { TenantShares } from './tenant-shares.js';

@Global()
@Module({})
export class AccessModule {
  static of(tokenSecret: Buffer): DynamicModule {
    return {
      module: AccessModule,
      providers: [
        { provide: PageTokens, useFactory: () => new PageTokens(tokenSecret) },
        { provide: APP_FILTER, useClass: ProblemFilter },
        { provide: APP_GUARD, useClass: ReadTrustGuard },
        { provide: APP_GUARD, useClass: AuthGuard },
        { provide: APP_GUARD, useClass: UnreadPartsGuard },
        { provide: APP_PIPE, useClass: SchemaPipe },
        { provide: AssumedJobs, useFactory: () => new AssumedJobs(findTenantAndJob) },
        GateTurns,
        NamedTenants,
        RequestTurns,
        TenantShares,
      ],
      exports: [AssumedJobs, GateTurns, PageTokens, TenantShares],
    };
  }
}
