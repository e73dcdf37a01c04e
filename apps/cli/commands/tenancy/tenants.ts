// Tenants: an administrator makes, suspends and resumes them.
import type { Command } from 'commander';
import { pathTo } from '#client/http/paths.js';
import type { ExitCode } from '../../exit-codes.js';
import { fields } from '../../output/printer.js';
import { asks, does, limited, pageSize, several, upTo, type Kit, type Limit, type Yes } from '../kit.js';
import type { Session } from '../session.js';
import { untilOperationEnds } from '../waiting.js';

const STATE = ['name', 'state'];
const LISTED = fields('name', 'displayName', 'state', 'weight', 'slot', 'createdAt');

interface Wish {
  readonly displayName?: string;
  readonly allowHandler?: readonly string[];
  readonly allowQueue?: readonly string[];
}

export function addTenants(program: Command, kit: Kit): void {
  const tenants = program.command('tenants').description('Who shares the cluster');
  const list = limited(tenants.command('ls'), 0).description('List the tenants that the key may see');
  does<Limit>(kit, list, async (session, limit) => {
    const rows = session.api.list('/tenants', { pageSize: pageSize(limit) });
    await session.out.rows(upTo(session, limit, rows), LISTED);
  });
  const get = tenants.command('get').description('Show a tenant').argument('<name>', 'of the tenant');
  does(kit, get, async (session, _options, [name = '']) =>
    session.out.record(await session.api.get(pathOf(name))),
  );
  const create = tenants
    .command('create')
    .description('Create a tenant')
    .argument('<name>', 'of the tenant')
    .option('--display-name <text>', 'for people; the name by default')
    .option(
      '--allow-handler <name>',
      'its job types may name this handler, * for all; several times for several',
      several,
    )
    .option(
      '--allow-queue <name>',
      'its job types may fill this queue of pg-boss, * for all; several times',
      several,
    );
  does<Wish>(kit, create, async (session, options, [name = '']) => {
    const { displayName, allowHandler: allowedHandlers, allowQueue: allowedQueues } = options;
    const wish = { name, displayName, allowedHandlers, allowedQueues };
    session.out.record(await session.api.post('/tenants', { ...wish, isRepeatable: false }));
  });
  const suspend = asks(tenants.command('suspend'))
    .description('Suspend a tenant: none of its runs starts, and due times of its schedules are skipped')
    .argument('<name>', 'of the tenant');
  does<Yes>(kit, suspend, async (session, options, [name = '']) => {
    await session.confirm(`suspend tenant ${name}`, options);
    session.out.record(await session.api.post(`${pathOf(name)}:suspend`, { isRepeatable: true }), STATE);
  });
  const resume = tenants
    .command('resume')
    .description('Resume a suspended tenant')
    .argument('<name>', 'of the tenant')
    .option(
      '--catch-up',
      'make up for what was due meanwhile, as each schedule says, and wait until that is done',
    );
  does<{ catchUp?: boolean }>(kit, resume, async (session, options, [name = '']) =>
    resumed(session, name, options),
  );
}

async function resumed(
  session: Session,
  name: string,
  { catchUp }: { catchUp?: boolean },
): Promise<ExitCode | undefined> {
  const answer = await session.api.post(`${pathOf(name)}:resume`, {
    catchUp,
    isRepeatable: catchUp !== true,
  });
  if (catchUp === true) return untilOperationEnds(session, session.tenantNamed(name), String(answer['id']));
  session.out.record(answer, STATE);
  return undefined;
}

function pathOf(name: string): string {
  return pathTo('/tenants', name, 'the name of a tenant');
}
