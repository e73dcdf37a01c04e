// Looks at the due times of a schedule: those to come, why one ran or did not, and whether any was lost.
import type { Command } from 'commander';
import { pathTo } from '#client/http/paths.js';
import { EXIT } from '../../exit-codes.js';
import { fields } from '../../output/printer.js';
import { does, instant, whole, type Kit } from '../kit.js';

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
