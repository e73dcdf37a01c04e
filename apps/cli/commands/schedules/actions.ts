// Acts on a schedule as it stands: pauses it, resumes it, and runs its job at once.
import type { Command } from 'commander';
import { does, instant, whole, type Kit } from '../kit.js';
import { readJson } from '../json-input.js';
import { RUN, untilRunEnds } from '../waiting.js';

const DAY_SECONDS = 86_400;
const STATE = ['name', 'state', 'pausedAt', 'pausedUntil', 'pauseReason', 'nextDueAt'];

interface RunNow {
  readonly payload?: string;
  readonly wait?: true | number;
  readonly force?: boolean;
}

export function addActions(schedules: Command, kit: Kit): void {
  const pause = schedules
    .command('pause')
    .description('Let a schedule start nothing; its due times are recorded as skipped')
    .argument('<name>', 'of the schedule')
    .option('--reason <text>', 'shown with the schedule')
    .option('--until <instant>', 'when the pause ends by itself', instant);
  does<{ reason?: string; until?: string }>(kit, pause, async (session, options, [name = '']) => {
    const { client } = await session.tenant();
    session.out.record(await client.schedules.pause(name, { ...options, signal: session.signal }), STATE);
  });
  const resume = schedules
    .command('resume')
    .description('End the pause of a schedule')
    .argument('<name>', 'of the schedule')
    .option('--catch-up', 'make up for what was due in the pause, as the schedule says');
  does<{ catchUp?: boolean }>(kit, resume, async (session, options, [name = '']) => {
    const { client } = await session.tenant();
    session.out.record(await client.schedules.resume(name, { ...options, signal: session.signal }), STATE);
  });
  const run = schedules
    .command('run')
    .description('Run the job of a schedule at once, beside its due times')
    .argument('<name>', 'of the schedule')
    .option('-p, --payload <json>', "JSON, @FILE, or - for stdin; the schedule's by default")
    .option(
      '-w, --wait [seconds]',
      'wait for its end; exits with 1 unless it has succeeded',
      whole(0, DAY_SECONDS),
    )
    .option('--force', "also beside a running run, against the schedule's overlap");
  does<RunNow>(kit, run, async (session, { payload, wait, ...options }, [name = '']) => {
    const given =
      payload === undefined ? {} : { payload: await readJson(session.world, '--payload', payload) };
    const tenant = await session.tenant();
    const { signal } = session;
    const started = await tenant.client.schedules.run(name, { ...options, ...given, signal });
    if (wait === undefined) return session.out.record(started, RUN);
    const waitSeconds = wait === true ? DAY_SECONDS : wait;
    return untilRunEnds(session, tenant, { id: started.id, waitSeconds });
  });
}
