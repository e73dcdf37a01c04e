// Does the image start a replica with the same flags?
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { REPLICA_FLAGS } from './node-flags.js';

it('the image starts Node as the command line does', () => {
  const dockerfile = readFileSync(new URL('../../../docker/Dockerfile', import.meta.url), 'utf8');
  const [, command = '[]'] = /^CMD (\[.*\])$/m.exec(dockerfile) ?? [];
  expect(JSON.parse(command)).toEqual(['node', ...REPLICA_FLAGS, 'dist/apps/server/main.js']);
});
