// Is docs/CLI.md what the commands say of themselves? With UPDATE_CLI_REFERENCE set, it is written anew.
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { MARK, reference } from '../../test/support/cli-reference.js';

const PATH = resolve(import.meta.dirname, '../../docs/CLI.md');

it('docs/CLI.md has the reference of each command', () => {
  const [written = ''] = readFileSync(PATH, 'utf8').split(MARK);
  const wanted = `${written}${reference()}`;
  if (process.env['UPDATE_CLI_REFERENCE'] !== undefined) writeFileSync(PATH, wanted);
  expect(
    readFileSync(PATH, 'utf8'),
    'run UPDATE_CLI_REFERENCE=1 npm test -- --project unit apps/cli/reference',
  ).toBe(wanted);
});
