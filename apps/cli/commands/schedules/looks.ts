// Looks at the due times of a schedule: those to come, why one ran or did not, and whether any was lost.
import { Option, type Command } from 'commander';
import { pathTo } from '#client/http/paths.js';
import { EXIT } from '../../exit-codes.js';
import { fields } from '../../output/printer.js';
import { does, instant, limited, pageSize, upTo, whole, type Kit, type Limit } from '../kit.js';

const OUTCOMES = ['planned', 'fired', 'late', 'skipped', 'coalesced', 'missed'];
const FIRES = fields('dueAt', 'outcome', 'reason', 'latenessMs', 'runId');

export function addLooks(schedules: Command, kit: Kit): void {
  const preview = schedules
    .command('preview')
    .description('The next due times of a schedule')
    .argument('<name>', 'of the schedule')
    .option('-n, --count <n>', 'how many', whole(1, 1_000), 10)
    .option('--after <instant>', 'those after then, instead of now', instant);
  does<{ count: number; after?: string }>(kit, preview, async (session, options, [name = '']) => {
    const { client } = await session.tenant();
    const { dueTimes } = await client.schedules.preview(name, { ...options, signal: session.signal });
    await session.out.rows(dueTimes, fields('dueAt', 'local', 'startsAt', 'clockSetSeconds'));
  });
  const explain = schedules
    .command('explain')
    .description('Why a schedule ran at an instant, or why not')
    .argument('<name>', 'of the schedule')
    .argument('<instant>', 'such as 2031-01-01T06:00:00Z', instant);
  does(kit, explain, async (session, _options, [name = '', at = '']) => {
    const { client } = await session.tenant();
    session.out.record(await client.schedules.explain(name, at, { signal: session.signal }));
  });
  addFires(schedules, kit);
  const audit = schedules
    .command('audit')
    .description(
      'Compare what was due with the ledger; exits with 1 if a due time was lost, doubled or invented',
    )
    .argument('<name>', 'of the schedule, or the id of a deleted one')
    .option('--from <instant>', 'a day ago by default', instant)
    .option('--to <instant>', 'now by default', instant);
  does<{ from?: string; to?: string }>(kit, audit, async (session, { from, to }, [name = '']) => {
    const { api } = await session.tenant();
    const path = `${pathTo('schedules', name, 'the name of a schedule')}:audit`;
    const verdict = await api.get(path, { from, to });
    session.out.record(verdict);
    if (verdict['isComplete'] === false)
      session.note(
        `carillon: it was cut at ${String(verdict['auditedUntil'])}; go on with --from ${String(verdict['auditedUntil'])}`,
      );
    return verdict['isClean'] === true ? EXIT.done : EXIT.failed;
  });
}

interface Fires extends Limit {
  readonly from?: string;
  readonly to?: string;
  readonly outcome?: string;
}

function addFires(schedules: Command, kit: Kit): void {
  const fires = limited(schedules.command('fires'), 50)
    .description('What became of its due times: the ledger, the newest first')
    .argument('<name>', 'of the schedule, or the id of a deleted one')
    .option('--from <instant>', 'only those due then or later', instant)
    .option('--to <instant>', 'only those due before then', instant)
    .addOption(new Option('--outcome <outcome>', 'only those that ended so').choices(OUTCOMES));
  does<Fires>(kit, fires, async (session, { limit, ...filters }, [name = '']) => {
    const { api } = await session.tenant();
    const path = `${pathTo('schedules', name, 'the name of a schedule')}/fires`;
    const rows = api.list(path, { ...filters, pageSize: pageSize({ limit }) });
    await session.out.rows(upTo(session, { limit }, rows), FIRES);
  });
}
