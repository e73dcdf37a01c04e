// What does the API's description say, without a replica? The application is put together and never started, so nothing
// is asked of a database. `npm run openapi` writes docs/openapi.json by it.
import { NestFactory } from '@nestjs/core';
import { LoggerModule } from 'nestjs-pino';
import { connectDatabase } from '#database/connection.js';
import { HandlerRegistry } from '#execution/targets/handler-registry.js';
import { AppModule } from './app.module.js';
import { describeApi } from './http/description/describe-api.js';
import { loggerOptions } from './log.js';
import { readConfig } from './settings/config.js';
import { VERSION } from './version.js';

/** Where no server is. */
const DATABASE_URL = 'postgres://none@127.0.0.1:1/none';

export async function apiDocument(): Promise<string> {
  const config = readConfig({ DATABASE_URL, CARILLON_LOG_LEVEL: 'silent' });
  const db = connectDatabase({
    url: config.DATABASE_URL,
    applicationName: 'carillon-openapi',
    maxConnections: 1,
    statementTimeoutMs: 1_000,
    idleInTransactionMs: 1_000,
    prepares: false,
    wantsPrimary: true,
    onError: () => undefined,
  });
  const installation = { slotCount: 1, tokenSecret: Buffer.alloc(32) };
  const log = LoggerModule.forRoot(loggerOptions(config));
  const parts = { config, db, installation, log, handlers: [], registry: new HandlerRegistry() };
  const app = await NestFactory.create(AppModule.of(parts), { logger: false, abortOnError: false });
  try {
    return `${JSON.stringify(describeApi(app, { version: VERSION, prefix: '' }), null, 2)}\n`;
  } finally {
    await app.close();
    await db.destroy();
  }
}
