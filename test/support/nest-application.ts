// What does a test need of a user's Nest application? One without a web server that is closed when the test is over,
// and what it has logged.
import type { INestApplicationContext, LoggerService, ModuleMetadata } from '@nestjs/common';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { onTestFinished } from 'vitest';

export interface NestLog {
  readonly logger: LoggerService;
  /** `error [Carillon] the worker has ended`. */
  readonly lines: string[];
}

export function nestLog(): NestLog {
  const lines: string[] = [];
  const at =
    (level: string) =>
    (message: unknown, ...rest: unknown[]) =>
      void lines.push(`${level} [${String(rest.at(-1))}] ${String(message)}`);
  const logger = {
    log: at('log'),
    warn: at('warn'),
    error: at('error'),
    debug: at('debug'),
    fatal: at('fatal'),
  };
  return { logger, lines };
}

/** Its root module; a class of its own, since Nest knows modules by their classes. */
export function rootModule(metadata: ModuleMetadata): new () => object {
  @Module(metadata)
  class AppModule {}
  return AppModule;
}

/** Started, with its hooks run. */
export async function nestApplication(
  metadata: ModuleMetadata,
  { logger }: Pick<NestLog, 'logger'> = nestLog(),
): Promise<INestApplicationContext> {
  const options = { logger, abortOnError: false };
  const app = await NestFactory.createApplicationContext(rootModule(metadata), options);
  onTestFinished(() => app.close());
  return app;
}
