// Locks: who holds which, and who waits.
import type { Command } from 'commander';
import type { ClientLock } from '#client/http/lock-calls.js';
import { does, limited, upTo, type Kit, type Limit } from '../kit.js';

const LISTED = {
  name: ({ name }: ClientLock) => name,
  permits: ({ permits }: ClientLock) => permits,
  isHeld: ({ isHeld }: ClientLock) => isHeld,
  holders: ({ holds }: ClientLock) =>
    holds.map(({ runId, holder }) => (runId === null ? holder : `run ${runId}`)),
  waiters: ({ waiters }: ClientLock) => waiters,
};

export function addLocks(program: Command, kit: Kit): void {
  const locks = program.command('locks').description('Who holds which lock');
  const list = limited(locks.command('ls'), 0).description(
    'List the locks that are held or waited for, and the semaphores',
  );
  does<Limit>(kit, list, async (session, limit) => {
    const { client } = await session.tenant();
    await session.out.rows(upTo(session, limit, client.locks.list({ signal: session.signal })), LISTED);
  });
  const get = locks.command('get').description('Show who holds a lock').argument('<name>', 'of the lock');
  does(kit, get, async (session, _options, [name = '']) => {
    const { client } = await session.tenant();
    session.out.record(await client.locks.get(name, { signal: session.signal }));
  });
}
