// Logs errors that attempts throw, for the operator. A tenant sees a name and a message; the stack, the cause and all
// paths of the server go to this log alone. A job that fails with each run would fill it, so each throwing place is
// logged once a minute for a job type.
import type { PinoLogger } from 'nestjs-pino';
import { describeError, type ToldError } from '#client/jobs/thrown-error.js';
import { systemClock } from '#database/runtime/system-clock.js';
import type { ClaimedRun } from '#execution/runs/claimed-run.js';
import { Seldom } from '#kernel/seldom.js';

const BOUNDS = { everyMs: 60_000, keysMax: 10_000 };
const FIRST_FRAME = /^ +at .*$/m;

export function thrownLog(logger: Pick<PinoLogger, 'warn'>, monotonicMs = () => systemClock.monotonicMs()) {
  const seldom = new Seldom(BOUNDS);
  return ({ run, error }: { run: ClaimedRun; error: unknown }): void => {
    // Described, since any value may be thrown, even one that throws when it is read.
    const err = describeError(error);
    const { tenantId, jobType, id, attempt } = run;
    const place = FIRST_FRAME.exec(err.stack ?? '')?.[0] ?? err.message;
    if (!seldom.isDue([jobType, err.name, place].join(' '), monotonicMs())) return;
    const cause = causeOf(error);
    logger.warn(
      { err, ...(cause === null ? {} : { cause }), tenantId, jobType, run: id, attempt },
      'an attempt threw',
    );
  };
}

function causeOf(thrown: unknown): ToldError | null {
  try {
    return thrown instanceof Error && thrown.cause !== undefined ? describeError(thrown.cause) : null;
  } catch {
    return null;
  }
}
