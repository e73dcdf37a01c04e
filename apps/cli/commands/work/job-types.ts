// Job types: what can be run, and holding the runs of one back.
import type { Command } from 'commander';
import { pathTo } from '#client/http/paths.js';
import { fields } from '../../output/printer.js';
import { does, limited, pageSize, upTo, type Kit, type Limit } from '../kit.js';

const STATE = ['name', 'pausedAt', 'pauseReason'];
const LISTED = {
  ...fields('name'),
  target: (row: object) => targetOf(row),
  ...fields('shared', 'pausedAt'),
};

export function addJobTypes(program: Command, kit: Kit): void {
  const jobTypes = program.command('job-types').description('What can be run');
  const list = limited(jobTypes.command('ls'), 0).description(
    'List the job types that the tenant can use, its own and those that all share',
  );
  does<Limit>(kit, list, async (session, limit) => {
    const { api } = await session.tenant();
    const rows = api.list('job-types', { pageSize: pageSize(limit) });
    await session.out.rows(upTo(session, limit, rows), LISTED);
  });
  const get = jobTypes.command('get').description('Show a job type').argument('<name>', 'of the job type');
  does(kit, get, async (session, _options, [name = '']) => {
    const { api } = await session.tenant();
    session.out.record(await api.get(pathOf(name)));
  });
  const pause = jobTypes
    .command('pause')
    .description('Hold back its runs; those that run go on')
    .argument('<name>', 'of the job type')
    .option('--reason <text>', 'shown with the job type');
  does<{ reason?: string }>(kit, pause, async (session, { reason }, [name = '']) => {
    const { api } = await session.tenant();
    session.out.record(await api.post(`${pathOf(name)}:pause`, { reason, isRepeatable: true }), STATE);
  });
  const resume = jobTypes
    .command('resume')
    .description('Let its runs start again')
    .argument('<name>', 'of the job type');
  does(kit, resume, async (session, _options, [name = '']) => {
    const { api } = await session.tenant();
    session.out.record(await api.post(`${pathOf(name)}:resume`, { isRepeatable: true }), STATE);
  });
}

function pathOf(name: string): string {
  return pathTo('job-types', name, 'the name of a job type');
}

function targetOf({ target = {} }: { target?: Record<string, unknown> }): string {
  const { kind, ...where } = target;
  const [place] = Object.values(where).filter((value) => typeof value === 'string');
  return place === undefined ? String(kind) : `${String(kind)} ${place}`;
}
