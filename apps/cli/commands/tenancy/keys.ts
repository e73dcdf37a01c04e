// Keys of the API: a tenant's own, and with --admin those of the administrators, which come from the settings of the
// replicas and can be listed and revoked here.
import { Option, type Command } from 'commander';
import { pathTo } from '#client/http/paths.js';
import type { Api } from '../../connection/api.js';
import { fields } from '../../output/printer.js';
import { asks, does, limited, pageSize, upTo, type Kit, type Limit, type Yes } from '../kit.js';
import type { Session } from '../session.js';

const LISTED = fields('id', 'name', 'role', 'prefix', 'createdAt', 'lastUsedAt', 'expiresAt', 'revokedAt');

interface Whose {
  readonly admin?: boolean;
}

export function addKeys(program: Command, kit: Kit): void {
  const keys = program.command('keys').description('Who may call the API');
  const list = ofAdmins(limited(keys.command('ls'), 0)).description('List keys, without their secrets');
  does<Limit & Whose>(kit, list, async (session, options) => {
    const { api, path } = await placeOf(session, options);
    await session.out.rows(upTo(session, options, api.list(path, { pageSize: pageSize(options) })), LISTED);
  });
  const create = keys
    .command('create')
    .description('Create a key of the tenant; it is shown this once')
    .argument('<name>', 'by which people know it')
    .addOption(
      new Option('--role <role>', 'a worker may only take runs and end them')
        .choices(['tenant-admin', 'worker'])
        .default('tenant-admin'),
    );
  does<{ role: string }>(kit, create, async (session, { role }, [name = '']) => {
    const { api } = await session.tenant();
    session.out.record(await api.post('api-keys', { name, role, isRepeatable: false }));
  });
  const revoke = asks(ofAdmins(keys.command('revoke')))
    .description('Revoke a key for good')
    .argument('<id>', 'of the key, as ls shows it');
  does<Whose & Yes>(kit, revoke, async (session, options, [id = '']) => {
    const { api, path } = await placeOf(session, options);
    await session.confirm(`revoke key ${id}`, options);
    await api.post(`${pathTo(path, id, 'the id of a key')}:revoke`, { isRepeatable: false });
    session.out.record({ id, result: 'revoked' });
  });
}

function ofAdmins(command: Command): Command {
  return command.option('--admin', "the administrators' keys");
}

async function placeOf(session: Session, { admin = false }: Whose): Promise<{ api: Api; path: string }> {
  if (admin) return { api: session.api, path: '/api-keys' };
  return { api: (await session.tenant()).api, path: 'api-keys' };
}
