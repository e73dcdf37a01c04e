// `config show` tells which API would be called, and from where that is known; `config check` reads the settings of a
// replica as it would at its start.
import type { Command } from 'commander';
import { CliError } from '../../cli-error.js';
import { withoutClientSettings } from '../../client-settings.js';
import { profilesPath } from '../../connection/profiles.js';
import { connectionLines } from '../../connection/shown.js';
import { does, type Kit } from '../kit.js';

export function addConfig(program: Command, kit: Kit): void {
  const config = program.command('config').description('Which API is called, and the settings of a replica');
  const show = config
    .command('show')
    .description('Tell which API, tenant and key are taken, and from where; the key is not shown whole');
  does(kit, show, async (session) => {
    const { profiles } = kit.sources;
    if (profiles instanceof CliError) throw profiles;
    const known = [...profiles.byName.keys()];
    session.out.record({
      ...connectionLines(session.connection),
      profiles: known.length === 0 ? `none in ${profilesPath(kit.world.env)}` : known,
    });
  });
  const check = config
    .command('check')
    .description(
      'Check the settings in the environment as a replica does at its start; doctor looks at the database',
    );
  does(kit, check, async (session) => {
    const { readConfig } = await import('#server/settings/config.js');
    const { adviceOnUrls } = await import('#server/settings/reachable-url.js');
    const given = withoutClientSettings(session.world.env);
    const advice = adviceOnUrls(readConfig(given));
    const names = Object.keys(given).filter((name) => /^(CARILLON_|DATABASE_)/.test(name));
    session.out.record({ result: 'in order', settings: names });
    if (advice !== null) session.note(`carillon: ${advice}`);
  });
}
