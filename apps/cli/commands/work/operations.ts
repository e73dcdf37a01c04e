// Operations: long work that a call has begun, such as a backfill that was started with --no-wait.
import type { Command } from 'commander';
import type { ClientOperation } from '#client/http/operations.js';
import { fields } from '../../output/printer.js';
import { asks, does, limited, upTo, type Kit, type Limit, type Yes } from '../kit.js';
import { untilOperationEnds } from '../waiting.js';

const LISTED = {
  ...fields('id', 'kind', 'target', 'state'),
  done: ({ progress: { done, total } }: ClientOperation) => `${done} of ${total}`,
  ...fields('createdAt', 'endedAt', 'error'),
};

export function addOperations(program: Command, kit: Kit): void {
  const operations = program.command('operations').description('Long work that a call has begun');
  const list = limited(operations.command('ls'), 50).description('List operations, the newest first');
  does<Limit>(kit, list, async (session, limit) => {
    const { client } = await session.tenant();
    await session.out.rows(upTo(session, limit, client.operations.list({ signal: session.signal })), LISTED);
  });
  const get = operations.command('get').description('Show an operation').argument('<id>', 'of the operation');
  does(kit, get, async (session, _options, [id = '']) => {
    const { client } = await session.tenant();
    session.out.record(await client.operations.get(id, { signal: session.signal }));
  });
  const wait = operations
    .command('wait')
    .description('Wait for its end; exits with 1 unless it has succeeded')
    .argument('<id>', 'of the operation');
  does(kit, wait, async (session, _options, [id = '']) =>
    untilOperationEnds(session, await session.tenant(), id),
  );
  const cancel = asks(operations.command('cancel'))
    .description('End an operation; what it has done stays')
    .argument('<id>', 'of the operation');
  does<Yes>(kit, cancel, async (session, options, [id = '']) => {
    const { client } = await session.tenant();
    await session.confirm(`cancel operation ${id}`, options);
    session.out.record(await client.operations.cancel(id, { signal: session.signal }));
  });
}
