// Handles an error that no handler has caught. If it came from an attempt, it fails that attempt and nothing else.
// Any other error leaves this process in an unknown state, so the process ends, as Node would end it; the other
// replicas take its work over.
import { failAttempt } from '#execution/runs/attempt-scope.js';

export function watchStrayErrors(): void {
  const hear = (error: unknown): void => {
    if (failAttempt(error)) return;
    process.stderr.write(`${String(error instanceof Error ? error.stack : error)}\n`);
    process.exit(1);
  };
  process.on('uncaughtException', hear);
  process.on('unhandledRejection', hear);
}
