// Schedules: which there are, and making them what files say.
import { Option, type Command } from 'commander';
import type { ClientSchedule, ScheduleFilter } from '#client/http/schedules/schedule-shapes.js';
import { fields } from '../../output/printer.js';
import { asks, does, each, limited, several, upTo, type Kit, type Limit, type Yes } from '../kit.js';
import { addActions } from './actions.js';
import { addBackfill } from './backfill.js';
import { addLooks } from './looks.js';

const LISTED = {
  ...fields('name', 'state', 'text', 'jobType', 'nextDueAt'),
  failures: ({ consecutiveFailures }: ClientSchedule) => consecutiveFailures,
};

interface Filters extends Limit {
  readonly state?: ClientSchedule['state'];
  readonly jobType?: string;
  readonly label?: readonly string[];
  readonly q?: string;
}

interface Files {
  readonly file: readonly string[];
}

export function addSchedules(program: Command, kit: Kit): void {
  const schedules = program.command('schedules').description('What is due when');
  addList(schedules, kit);
  const get = schedules.command('get').description('Show a schedule').argument('<name>', 'of the schedule');
  does(kit, get, async (session, _options, [name = '']) => {
    const { client } = await session.tenant();
    session.out.record(await client.schedules.get(name, { signal: session.signal }));
  });
  const apply = schedules
    .command('apply')
    .description('Create and change schedules so that they are what files say; others stay as they are')
    .requiredOption('-f, --file <file...>', 'YAML or JSON, or - for stdin; several of them');
  does<Files>(kit, apply, async (session, { file }) => (await import('./apply.js')).apply(session, file));
  const diff = schedules
    .command('diff')
    .description('Tell what apply would change; exits with 1 if there is something')
    .requiredOption('-f, --file <file...>', 'YAML or JSON, or - for stdin; several of them');
  does<Files>(kit, diff, async (session, { file }) => (await import('./apply.js')).diff(session, file));
  addLooks(schedules, kit);
  addActions(schedules, kit);
  addBackfill(schedules, kit);
  const remove = asks(schedules.command('delete'))
    .description('Delete schedules; what they have started goes on')
    .argument('<name...>', 'of the schedules');
  does<Yes>(kit, remove, async (session, options, names) => {
    const { client } = await session.tenant();
    await session.confirm(`delete schedule ${names.join(', ')}`, options);
    const act = async (name: string): Promise<{ name: string; result: string }> => {
      await client.schedules.delete(name, { signal: session.signal });
      return { name, result: 'deleted' };
    };
    await session.out.rows(each(names, act), fields('name', 'result'));
  });
}

function addList(schedules: Command, kit: Kit): void {
  const list = limited(schedules.command('ls'), 0)
    .description('List schedules by their names')
    .addOption(
      new Option('--state <state>', 'only those in this state').choices(['active', 'paused', 'ended']),
    )
    .option('--job-type <name>', 'only those of this job type')
    .option('--label <key[:value]>', 'only those with this label; several times for several', several)
    .option('--q <text>', 'only those whose name has this part');
  does<Filters>(kit, list, async (session, { limit, label, ...others }) => {
    const { client } = await session.tenant();
    const filter: ScheduleFilter = { ...others, ...(label === undefined ? {} : { labels: labelsOf(label) }) };
    const rows = client.schedules.list({ ...filter, signal: session.signal });
    await session.out.rows(upTo(session, { limit }, rows), LISTED);
  });
}

function labelsOf(given: readonly string[]): Record<string, string | null> {
  return Object.fromEntries(
    given.map((label) => {
      const colon = label.indexOf(':');
      return colon === -1 ? [label, null] : [label.slice(0, colon), label.slice(colon + 1)];
    }),
  );
}
