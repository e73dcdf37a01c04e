// Starts a replica: brings the database up to date, builds the application, listens, and only then joins the cluster,
// which must know the address of its API.
import type { AddressInfo } from 'node:net';
import { NestFactory } from '@nestjs/core';
import type { Provider } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { RequestHandler } from 'express';
import { PinoLogger } from 'nestjs-pino';
import { connectDatabase, type Database } from '#database/connection.js';
import { ConfigError } from '#kernel/errors.js';
import { isPortFree } from '#database/embedded/server/free-port.js';
import { readInstallation } from '#database/migrating/installation.repository.js';
import { migrateToLatest } from '#database/migrating/migrator.js';
import { refuseUnfitSession } from '#database/sessions/session-fitness.js';
import { LeaseTokens } from '#execution/leases/lease-token.js';
import { KeyRing, nameAdminKey } from '#tenancy/api-keys.js';
import { AppModule } from './app.module.js';
import { endConnectionsOnClose } from './closing-connections.js';
import type { ServerConfig } from './settings/config.js';
import { requireKeyForBodies } from './http/access/auth.guard.js';
import { admitBatches, BATCH_BYTES_MAX, isBatch, readBatch } from './http/runs/batch-body.js';
import { admitBodies, settleBodies } from './http/access/body-room.js';
import { HandlerSchedules } from './http/code-schedules/handler-schedules.js';
import { readJson } from './http/requests/json-body.js';
import { isJson, LINES_TYPE, requireJson } from './http/requests/media-type.js';
import { serveInOrder } from './http/requests/pipelined.js';
import { requireUtf8Query } from './http/requests/query-text.js';
import { answerUnparsed, requireHost } from './http/problems/unparsed-requests.js';
import { setSecurityHeaders } from './http/answers/security-headers.js';
import { readPlainBody } from './http/ways/plain-body.js';
import { answerMethods, goToRoute } from './http/ways/routes.js';
import { inTurn } from './http/ways/steps.js';
import { admitUnreadBeats } from './http/workers/unread-body.js';
import { identifyRequest, QuietNestLogger } from './log.js';
import { LoopTimers } from './loop-timers.js';
import { logRequests } from './request-log.js';
import { serveApiDescription } from './http/description/describe-api.js';
import { listeningUrl } from './settings/reachable-url.js';
import { ReplicaService } from './replica/replica-service.js';
import { VERSION } from './version.js';

export interface RunningServer {
  readonly app: NestExpressApplication;
  readonly url: string;
  /** Drains, leaves the cluster, and closes everything. */
  stop(): Promise<void>;
}

const BODY_BYTES_MAX = 1024 * 1024;
/**
 * The sending side must be the one to close an idle connection: a request that meets the replica's own closing is
 * reset. Load balancers keep a connection for 60 s, and Node's default is 5 s.
 */
const IDLE_CONNECTION_MS = 75_000;
/**
 * A client that does not read its answer keeps the turn of its tenant for as long as this. Longer than any request waits
 * for the end of a run or for a lease.
 */
const STALLED_CONNECTION_MS = 120_000;

/** `say` is called every few seconds with the reason for waiting, while there is no log yet. */
export async function startServer(
  config: ServerConfig,
  handlers: Provider[] = [],
  say: (line: string) => void = () => undefined,
): Promise<RunningServer> {
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
    const app = await buildApplication(config, db, handlers);
    const url = await enter(app, config);
    return { app, url, stop: () => stop(app, db) };
  } catch (error) {
    await db.destroy();
    throw error;
  }
}

async function buildApplication(
  config: ServerConfig,
  db: Database,
  handlers: Provider[],
): Promise<NestExpressApplication> {
  if (config.CARILLON_ADMIN_KEY !== undefined) await nameAdminKey(db, config.CARILLON_ADMIN_KEY);
  const installation = await readInstallation(db);
  const app = await NestFactory.create<NestExpressApplication>(
    AppModule.of({ config, db, installation, handlers }),
    {
      bufferLogs: true,
      // Otherwise Nest ends the process without an error for the caller.
      abortOnError: false,
      // Nest's own parser would read forms, too.
      bodyParser: false,
    },
  );
  app.useLogger(new QuietNestLogger(await app.resolve(PinoLogger), {}));
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
  serveApiDescription(app, VERSION);
  endConnectionsOnClose(app.getHttpServer());
  answerUnparsed(app.getHttpServer());
  Object.assign(app.getHttpServer(), {
    keepAliveTimeout: IDLE_CONNECTION_MS,
    timeout: STALLED_CONNECTION_MS,
  });
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

async function enter(app: NestExpressApplication, config: ServerConfig): Promise<string> {
  try {
    const url = await listen(app, config);
    const schedules = app.get(HandlerSchedules);
    schedules.check();
    await app.get(ReplicaService).start({ url: config.CARILLON_URL ?? url, version: VERSION });
    app.get(LoopTimers).drive(schedules);
    return url;
  } catch (error) {
    await app.close().catch(() => undefined); // parts that have begun must not go on unknown to the caller
    throw error;
  }
}

async function listen(app: NestExpressApplication, config: ServerConfig): Promise<string> {
  const { CARILLON_HOST: host, CARILLON_PORT: port } = config;
  // Checked first, because Nest logs a taken port as an error, which here it is not.
  const isTaken = config.CARILLON_PORT_FALLBACK && !(await isPortFree(port));
  try {
    await app.listen(isTaken ? 0 : port, host);
  } catch (error) {
    if (!isOfListening(error)) throw error;
    if (error.code !== 'EADDRINUSE' || !config.CARILLON_PORT_FALLBACK) throw unlistenable(error, config);
    await app.listen(0, host);
  }
  const address = app.getHttpServer().address() as AddressInfo; // a TCP server that listens has one
  return listeningUrl(host, address.port);
}

function isOfListening(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'syscall' in error && error.syscall === 'listen';
}

/**
 * The operator must change the setting. The error code alone could also concern the connection to the database, for
 * which the start waits.
 */
function unlistenable(
  { message }: Error,
  { CARILLON_HOST: host, CARILLON_PORT: port }: ServerConfig,
): ConfigError {
  return new ConfigError(
    `CARILLON_PORT, CARILLON_HOST: expected to listen on port ${port} of ${host}, got: ${message}; free the port, choose another, or set CARILLON_PORT_FALLBACK=true`,
  );
}

async function stop(app: NestExpressApplication, db: Database): Promise<void> {
  await app.close();
  await db.destroy();
}
