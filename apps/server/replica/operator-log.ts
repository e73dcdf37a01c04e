// Logs the few events of a replica that an operator looks for first.
import type { PinoLogger } from 'nestjs-pino';
import { summaryOf } from '#scheduling/planning/losses.js';
import type { Replica } from './replica.js';
import { thrownLog } from './thrown-log.js';

/** The parts of a replica whose events an operator looks for. */
type TellingParts = Pick<
  Replica,
  | 'membership'
  | 'leadership'
  | 'sweep'
  | 'settleLoop'
  | 'executor'
  | 'horizon'
  | 'planner'
  | 'gaps'
  | 'failing'
  | 'calendars'
  | 'runLocks'
>;

export function logForOperator(parts: TellingParts, logger: PinoLogger): void {
  const { membership, leadership, sweep, settleLoop, executor, horizon } = parts;
  membership.joined.subscribe(({ replica, uuid }) =>
    logger.info({ replica, incarnation: uuid }, 'joined the cluster'),
  );
  membership.expelled.subscribe(({ incarnation, reason }) =>
    logger.warn({ replica: incarnation.replica, reason }, 'expelled from the cluster'),
  );
  membership.cutOff.subscribe((error) => logger.warn({ err: error }, 'the control session broke; resuming'));
  leadership.began.subscribe(({ term }) =>
    logger.info({ replica: membership.incarnation?.replica ?? null, term }, 'leads'),
  );
  leadership.ended.subscribe(({ term, reason }) => logger.info({ term, reason }, 'leads no more'));
  sweep.died.subscribe((replica) => logger.warn({ replica }, 'declared a replica dead'));
  horizon.held.subscribe((holder) =>
    logger.warn(
      { holder },
      'a session or replication slot holds an old snapshot, so dead rows cannot be removed',
    ),
  );
  horizon.released.subscribe((holder) => logger.info({ holder }, 'the old snapshot is gone'));
  logSchedules(parts, logger);
  settleLoop.claimLost.subscribe((run) =>
    logger.warn({ run }, 'a result was discarded: the claim had been revoked'),
  );
  parts.runLocks.unmet.subscribe(({ run: { id, jobType }, why }) =>
    logger.warn({ run: id, jobType, why }, 'a run does not start: its locks can never be had as they are'),
  );
  executor.thrown.subscribe(thrownLog(logger));
  executor.late.subscribe((late) =>
    logger.warn(late, 'a handler went on after its attempt was over; its result was discarded'),
  );
}

function logSchedules({ planner, gaps, failing, calendars }: TellingParts, logger: PinoLogger): void {
  planner.setAside.told.subscribe(({ id, error }) =>
    logger.error(
      { schedule: id, err: error },
      'a schedule cannot be read and is not planned; tried again each minute',
    ),
  );
  gaps.setAside.told.subscribe(({ id, error }) =>
    logger.error({ gap: id, err: error }, 'a gap cannot be read and is not decided; tried again each minute'),
  );
  gaps.lost.subscribe((lost) =>
    logger.warn(summaryOf(lost), 'schedules have lost due times in an outage, as their catch-up says'),
  );
  calendars.setAside.told.subscribe(({ id, error }) =>
    logger.error(
      { schedule: id, err: error },
      'a schedule cannot be moved to the dates of its calendars; tried again each minute',
    ),
  );
  failing.paused.subscribe((schedule) =>
    logger.warn(schedule, 'a schedule was paused, because its runs failed one after the other'),
  );
}
