// Queues: which there are, and holding the runs of one back.
import type { Command } from 'commander';
import { pathTo } from '#client/http/paths.js';
import { fields } from '../../output/printer.js';
import { does, limited, pageSize, upTo, type Kit, type Limit } from '../kit.js';

const LISTED = fields('name', 'paused', 'pausedAt');

export function addQueues(program: Command, kit: Kit): void {
  const queues = program.command('queues').description('In which runs wait');
  const list = limited(queues.command('ls'), 0).description(
    'List the queues that hold runs or were ever paused',
  );
  does<Limit>(kit, list, async (session, limit) => {
    const { api } = await session.tenant();
    const rows = api.list('queues', { pageSize: pageSize(limit) });
    await session.out.rows(upTo(session, limit, rows), LISTED);
  });
  const verbs = [
    ['pause', 'Hold back the runs of a queue; those that run go on'],
    ['resume', 'Let the runs of a queue start again'],
  ] as const;
  for (const [verb, description] of verbs) {
    const command = queues.command(verb).description(description).argument('<name>', 'of the queue');
    does(kit, command, async (session, _options, [name = '']) => {
      const { api } = await session.tenant();
      const path = pathTo('queues', name, 'the name of a queue');
      session.out.record(await api.post(`${path}:${verb}`, { isRepeatable: true }));
    });
  }
}
