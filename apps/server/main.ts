// The process of one replica. It ends by itself on SIGTERM and SIGINT, and when the parent that started it is gone,
// always after a drain. A second Ctrl-C ends it at once. A second SIGTERM is ignored: when a supervisor ends a whole
// process group, the signal comes twice, directly and through the program that started this one.
import { UnfitSessionError } from '#database/sessions/session-fitness.js';
import { ConfigError } from '#kernel/errors.js';
import { startServer, type RunningServer } from './application.js';
import { readConfig } from './settings/config.js';
import { startOnceDatabaseAnswers } from './start-wait.js';
import { watchStrayErrors } from './stray-errors.js';

async function main(): Promise<void> {
  const isChild = process.channel !== undefined;
  // As process 1 of a container, Node ignores the signals that have no listener.
  process.on('SIGTERM', endBeforeStart);
  process.on('SIGINT', endBeforeStart);
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const server = await startOnceDatabaseAnswers(readConfig(), say, (settled) =>
    startServer(settled, [], say),
  );
  const stop = stopOnSignals(server);
  // The parent may be gone already: a channel that broke during the start has called no listener.
  if (isChild && !process.connected) return stop();
  if (isChild) process.on('disconnect', stop);
  process.send?.({ kind: 'listening', url: server.url });
}

function stopOnSignals(server: RunningServer): () => void {
  let stopping = false;
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    server.stop().then(
      () => process.exit(0),
      (error: unknown) => fail(error),
    );
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.off(signal, endBeforeStart);
  process.on('SIGTERM', stop);
  process.on('SIGINT', () => (stopping ? process.exit(130) : stop()));
  return stop;
}

function endBeforeStart(): void {
  process.exit(143);
}

function fail(error: unknown): void {
  // The operator must change the setting, and the message says how; a stack would only hide it.
  process.stderr.write(
    `${error instanceof ConfigError || error instanceof UnfitSessionError ? error.message : String(error instanceof Error ? error.stack : error)}\n`,
  );
  process.exit(1);
}

watchStrayErrors();
main().catch(fail);
