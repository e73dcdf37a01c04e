// Where does a replica inside of an application log? By Nest's Logger, as the application does, under the name Carillon.
// The parts of a replica write to pino, whose lines are taken apart here; there are few of them.
import { Logger, Module, type DynamicModule, type LoggerService } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import { pino, type LoggerOptions } from 'pino';
import { loggerOptions } from '../log.js';
import type { ServerConfig } from '../settings/config.js';

interface Line {
  level: number;
  msg?: string;
  err?: { message?: string; stack?: string };
  [field: string]: unknown;
}

const NAME = 'Carillon';
/** What Nest writes of the modules and routes that it sets up. */
const SET_UP = new Set([
  'NestFactory',
  'InstanceLoader',
  'RoutesResolver',
  'RouterExplorer',
  'NestApplication',
]);

@Module({})
class NestLogModule {}

/** Provides PinoLogger. */
export function logByNest(config: ServerConfig): DynamicModule {
  // They are there; the type is that of all that nestjs-pino takes.
  const { serializers } = loggerOptions(config).pinoHttp as Required<Pick<LoggerOptions, 'serializers'>>;
  const written = pino(
    { level: config.CARILLON_LOG_LEVEL, base: null, timestamp: false, serializers },
    { write: (line) => tell(JSON.parse(line) as Line) },
  );
  // It has all that we use of PinoLogger, which would look for the log of a request.
  const logger = Object.assign(written, { logger: written }) as unknown as PinoLogger;
  return {
    module: NestLogModule,
    global: true,
    providers: [{ provide: PinoLogger, useValue: logger }],
    exports: [PinoLogger],
  };
}

function tell({ level, msg = '', err, ...fields }: Line): void {
  const details = Object.keys(fields).length === 0 ? '' : ` ${JSON.stringify(fields)}`;
  const text = `${msg}${err?.message === undefined ? '' : `: ${err.message}`}${details}`;
  const logger = new Logger(NAME);
  if (level >= 60) logger.fatal(text);
  else if (level >= 50) logger.error(text, err?.stack);
  else if (level >= 40) logger.warn(text);
  else if (level >= 30) logger.log(text);
  else if (level >= 20) logger.debug(text);
  else logger.verbose(text);
}

/**
 * Our modules and routes are a hundred lines, which help no user. Nest has one logger in a process, which is another one
 * for as long as that takes.
 */
export async function settingUpQuietly<Result>(act: () => Promise<Result>): Promise<Result> {
  const given = Logger['staticInstanceRef'];
  if (given === undefined) return act();
  type Line = [unknown, ...unknown[]];
  const quiet: LoggerService = {
    log: (...line: Line) =>
      SET_UP.has(String(line.at(-1))) ? given.debug?.(...line) : void given.log(...line),
    error: (...line: Line) => void given.error(...line),
    warn: (...line: Line) => void given.warn(...line),
    debug: (...line: Line) => given.debug?.(...line),
    verbose: (...line: Line) => given.verbose?.(...line),
    fatal: (...line: Line) => given.fatal?.(...line),
  };
  Logger.overrideLogger(quiet);
  try {
    return await act();
  } finally {
    if (Logger['staticInstanceRef'] === quiet) Logger.overrideLogger(given);
  }
}
