// Starts a replica as the server of its process: opens it, listens, and only then joins the cluster, which must know the
// address of its API.
import type { AddressInfo } from 'node:net';
import type { Provider } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { LoggerModule, PinoLogger } from 'nestjs-pino';
import { ConfigError } from '#kernel/errors.js';
import { isPortFree } from '#database/embedded/server/free-port.js';
import { endConnectionsOnClose } from './closing-connections.js';
import { answerUnparsed } from './http/problems/unparsed-requests.js';
import { loggerOptions, QuietNestLogger } from './log.js';
import { openReplica, type ReplicaApplication } from './nest/replica-application.js';
import type { ServerConfig } from './settings/config.js';
import { listeningUrl } from './settings/reachable-url.js';

export interface RunningServer {
  readonly app: NestExpressApplication;
  readonly url: string;
  /** Drains, leaves the cluster, and closes everything. */
  stop(): Promise<void>;
}

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
  const log = LoggerModule.forRoot(loggerOptions(config));
  const replica = await openReplica({ config, log, nest: { bufferLogs: true }, handlers, say });
  try {
    const { app } = replica;
    app.useLogger(new QuietNestLogger(await app.resolve(PinoLogger), {}));
    ownConnections(app);
    const url = await enter(replica, config);
    return { app, url, stop: () => replica.close() };
  } catch (error) {
    await replica.close().catch(() => undefined); // parts that have begun must not go on unknown to the caller
    throw error;
  }
}

function ownConnections(app: NestExpressApplication): void {
  endConnectionsOnClose(app.getHttpServer());
  answerUnparsed(app.getHttpServer());
  Object.assign(app.getHttpServer(), {
    keepAliveTimeout: IDLE_CONNECTION_MS,
    timeout: STALLED_CONNECTION_MS,
  });
}

async function enter(replica: ReplicaApplication, config: ServerConfig): Promise<string> {
  const url = await listen(replica.app, config);
  await replica.join(config.CARILLON_URL ?? url);
  return url;
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
