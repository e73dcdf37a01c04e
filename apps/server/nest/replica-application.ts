// Opens a replica as a Nest application of its own, which does not listen: the server's process listens with it, and a
// user's application mounts it or leaves its API out. It brings the database up to date, connects, and builds; it joins
// the cluster when its URL is known. What belongs to a process alone is the caller's: signals, stray errors, the port and
// its connections, and Nest's one logger.
import { NestFactory } from '@nestjs/core';
import type { DynamicModule, NestApplicationOptions, Provider } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { RequestHandler } from 'express';
import { PinoLogger } from 'nestjs-pino';
import { connectDatabase, type Database } from '#database/connection.js';
import { readInstallation } from '#database/migrating/installation.repository.js';
import { migrateToLatest } from '#database/migrating/migrator.js';
import { refuseUnfitSession } from '#database/sessions/session-fitness.js';
import { LeaseTokens } from '#execution/leases/lease-token.js';
import { HandlerRegistry } from '#execution/targets/handler-registry.js';
import { KeyRing, nameAdminKey } from '#tenancy/api-keys.js';
import { AppModule } from '../app.module.js';
import { serveApiDescription } from '../http/description/describe-api.js';
import { requireKeyForBodies } from '../http/access/auth.guard.js';
import { admitBodies, settleBodies } from '../http/access/body-room.js';
import { setSecurityHeaders } from '../http/answers/security-headers.js';
import { HandlerSchedules } from '../http/code-schedules/handler-schedules.js';
import { requireHost } from '../http/problems/unparsed-requests.js';
import { readJson } from '../http/requests/json-body.js';
import { isJson, LINES_TYPE, requireJson } from '../http/requests/media-type.js';
import { serveInOrder } from '../http/requests/pipelined.js';
import { requireUtf8Query } from '../http/requests/query-text.js';
import { admitBatches, BATCH_BYTES_MAX, isBatch, readBatch } from '../http/runs/batch-body.js';
import { readPlainBody } from '../http/ways/plain-body.js';
import { answerMethods, goToRoute } from '../http/ways/routes.js';
import { inTurn } from '../http/ways/steps.js';
import { admitUnreadBeats } from '../http/workers/unread-body.js';
import { identifyRequest } from '../log.js';
import { LoopTimers } from '../loop-timers.js';
import { ReplicaService } from '../replica/replica-service.js';
import { logRequests } from '../request-log.js';
import type { ServerConfig } from '../settings/config.js';
import { VERSION } from '../version.js';

export interface ReplicaWish {
  config: ServerConfig;
  /** Provides PinoLogger. */
  log: DynamicModule;
  /** What the process wants of Nest. */
  nest?: NestApplicationOptions;
  /** Has the handlers that are known already. */
  registry?: HandlerRegistry;
  /** Providers with @JobHandler methods. */
  handlers?: Provider[];
  /** Where the API is mounted: `/carillon`. Default: at the root. */
  prefix?: string;
  /** Called every few seconds with the reason for waiting, while there is no log yet. */
  say: (line: string) => void;
}

export interface ReplicaApplication {
  readonly app: NestExpressApplication;
  /** Resolves when it takes part in the cluster. The application must have been initialised. */
  join(url: string): Promise<void>;
  /** Drains, leaves the cluster, and closes everything. */
  close(): Promise<void>;
}

const BODY_BYTES_MAX = 1024 * 1024;

export async function openReplica(wish: ReplicaWish): Promise<ReplicaApplication> {
  const { config, say } = wish;
  if (config.CARILLON_MIGRATE) {
    const onWait = (reason: string): void => say(`waiting to migrate the database: ${reason}`);
    await migrateToLatest(config.DATABASE_SESSION_URL ?? config.DATABASE_URL, { onWait });
  }
  const db = connectDatabase({
    url: config.DATABASE_URL,
    applicationName: 'carillon-api',
    maxConnections: config.CARILLON_API_CONNECTIONS,
    statementTimeoutMs: 8_000,
    idleInTransactionMs: config.cluster.deadAfterMs,
    prepares: config.preparesStatements,
    wantsPrimary: true,
    onError: () => undefined, // the next user of the connection gets a new one
  });
  try {
    await refuseUnfitSession(db);
    const app = await build(wish, db);
    return {
      app,
      join: (url) => join(app, url),
      close: async () => {
        try {
          await app.close();
        } finally {
          await db.destroy();
        }
      },
    };
  } catch (error) {
    await db.destroy();
    throw error;
  }
}

async function build(wish: ReplicaWish, db: Database): Promise<NestExpressApplication> {
  const { config, log, nest, handlers = [], registry = new HandlerRegistry(), prefix = '' } = wish;
  if (config.CARILLON_ADMIN_KEY !== undefined) await nameAdminKey(db, config.CARILLON_ADMIN_KEY);
  const installation = await readInstallation(db);
  const app = await NestFactory.create<NestExpressApplication>(
    AppModule.of({ config, db, installation, handlers, registry, log }),
    {
      ...nest,
      // Otherwise Nest ends the process without an error for the caller.
      abortOnError: false,
      // Nest's own parser would read forms, too.
      bodyParser: false,
    },
  );
  app.disable('x-powered-by');
  app.set('etag', false); // Express's own ETags are weak, and made of the answer's text
  const way = inTurn([settleBodies, readBatch, readJson, goToRoute]);
  app.use(inTurn([...stepsBefore(app, db, await app.resolve(PinoLogger)), readPlainBody(way)]));
  app.useBodyParser('raw', {
    limit: BATCH_BYTES_MAX,
    type: (request) => isBatch(request) && isJson(request),
  });
  app.useBodyParser('raw', {
    limit: BODY_BYTES_MAX,
    type: (request) => !isBatch(request) && isJson(request),
  });
  app.useBodyParser('text', { limit: BODY_BYTES_MAX, type: LINES_TYPE });
  app.use(way);
  app.use(admitUnreadBeats);
  serveApiDescription(app, { version: VERSION, prefix });
  return app;
}

/** What each request passes before its body is read. */
function stepsBefore(app: NestExpressApplication, db: Database, logger: PinoLogger): RequestHandler[] {
  const keys = app.get(KeyRing);
  return [
    serveInOrder,
    identifyRequest,
    logRequests(logger),
    setSecurityHeaders,
    requireHost,
    requireUtf8Query,
    answerMethods(app),
    requireJson,
    requireKeyForBodies(keys, app.get(LeaseTokens)),
    admitBatches(keys, db),
    admitBodies(keys, (request) => (isBatch(request) ? BATCH_BYTES_MAX : BODY_BYTES_MAX)),
  ];
}

async function join(app: NestExpressApplication, url: string): Promise<void> {
  const schedules = app.get(HandlerSchedules);
  schedules.check();
  await app.get(ReplicaService).start({ url, version: VERSION });
  app.get(LoopTimers).drive(schedules);
}
