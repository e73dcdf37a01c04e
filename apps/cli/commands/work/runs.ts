// Runs: what has run, why it failed, what it logged, and running it again.
import { Option, type Command } from 'commander';
import type { ClientLogLine } from '#client/http/runs/run-logs.js';
import { RUN_STATES } from '#client/http/runs/run-shapes.js';
import type { ClientRun } from '#client/http/runs/run-shapes.js';
import { pathTo } from '#client/http/paths.js';
import type { Api } from '../../connection/api.js';
import { fields, type Columns } from '../../output/printer.js';
import {
  asks,
  does,
  each,
  instant,
  limited,
  pageSize,
  upTo,
  type Kit,
  type Limit,
  type Yes,
} from '../kit.js';

const LISTED: Columns<object> = {
  ...fields('id', 'jobType', 'state', 'attempt', 'schedule', 'createdAt', 'finishedAt'),
  error: (row) => errorOf(row),
};
const LOG_LINE = fields('at', 'level', 'message', 'fields');
const LINES_A_PAGE = 1_000;

interface Filters extends Limit {
  readonly state?: string;
  readonly schedule?: string;
  readonly queue?: string;
  readonly jobType?: string;
  readonly tag?: string;
  readonly createdAfter?: string;
  readonly createdBefore?: string;
}

export function addRuns(program: Command, kit: Kit): void {
  const runs = program.command('runs').description('What has run, and what is to run');
  addList(runs, kit);
  const get = runs.command('get').description('Show a run').argument('<id>', 'of the run');
  does(kit, get, async (session, _options, [id = '']) => {
    const { client } = await session.tenant();
    session.out.record(await client.result(id, { signal: session.signal }));
  });
  addLogs(runs, kit);
  const retry = runs
    .command('retry')
    .description('Run it again: one that failed, was cancelled, has expired or is dead-lettered')
    .argument('<id...>', 'of the runs');
  does(kit, retry, async (session, _options, ids) => {
    const { client } = await session.tenant();
    const act = async (id: string) => client.retry(id, { signal: session.signal });
    await session.out.rows(each(ids, act), fields('id', 'state'));
  });
  const cancel = asks(runs.command('cancel'))
    .description('Cancel a run that waits, and ask one that is running to stop')
    .argument('<id...>', 'of the runs');
  does<Yes>(kit, cancel, async (session, options, ids) => {
    const { client } = await session.tenant();
    await session.confirm(`cancel ${ids.length === 1 ? `run ${ids[0]}` : `${ids.length} runs`}`, options);
    const act = async (id: string) => client.cancel(id, { signal: session.signal });
    await session.out.rows(each(ids, act), fields('id', 'state', 'cancelRequestedAt'));
  });
}

function addList(runs: Command, kit: Kit): void {
  const list = limited(runs.command('ls'), 50)
    .description('List runs, the newest first')
    .addOption(new Option('--state <state>', 'only runs in this state').choices(RUN_STATES))
    .option('--schedule <name>', 'only runs of this schedule')
    .option('--queue <name>', 'only runs of this queue')
    .option('--job-type <name>', 'only runs of this job type')
    .option('--tag <tag>', 'only runs with this tag')
    .option('--created-after <instant>', 'only runs created then or later', instant)
    .option('--created-before <instant>', 'only runs created before then', instant);
  does<Filters>(kit, list, async (session, { limit, ...filters }) => {
    const { api } = await session.tenant();
    const rows = api.list('runs', { ...filters, pageSize: pageSize({ limit }) });
    await session.out.rows(upTo(session, { limit }, rows), LISTED);
  });
}

function addLogs(runs: Command, kit: Kit): void {
  const logs = runs
    .command('logs')
    .description('Show what a run has logged')
    .argument('<id>', 'of the run')
    .option('-f, --follow', 'go on until the run has ended; Ctrl-C ends it');
  does<{ follow?: boolean }>(kit, logs, async (session, { follow = false }, [id = '']) => {
    const { client, api } = await session.tenant();
    if (!follow) {
      await session.out.rows(linesOf(api, id), LOG_LINE);
      return;
    }
    for await (const line of client.logs(id, { signal: session.signal })) session.out.row(line, LOG_LINE);
  });
}

function errorOf({ error = null }: { error?: ClientRun['error'] }): string | null {
  return error === null ? null : `${error.name}: ${error.message}`;
}

async function* linesOf(api: Api, id: string): AsyncGenerator<ClientLogLine, void, undefined> {
  const path = `${pathTo('runs', id, 'the id of a run')}/logs`;
  for (let after = 0; ;) {
    const page = await api.get<{ items: ClientLogLine[]; nextAfter: number }>(path, {
      after,
      limit: LINES_A_PAGE,
    });
    yield* page.items;
    if (page.items.length < LINES_A_PAGE) return;
    after = page.nextAfter;
  }
}
