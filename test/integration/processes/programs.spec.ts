// Do the programs of the tests load? Plain Node runs them from their sources and strips types only, which the compiler
// does not check: one import of a file that needs more than that, and a program is broken that no other test starts.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const bootstrap = readFileSync('apps/cli/bootstrap.mjs', 'utf8');
const programs = [...bootstrap.matchAll(/'(test\/[a-z/-]+\.ts)'/g)].map(([, file]) => file ?? '');

it('are those that the command knows', () => expect(programs).toContain('test/chaos/main.ts'));

it.each(programs)('%s, which says what it does not understand', (file) => {
  const options = ['--conditions=source', '--import', './test/support/typescript.mjs'];
  const { status, stderr } = spawnSync(process.execPath, [...options, file, '--no-such-option'], {
    encoding: 'utf8',
  });
  expect(stderr).toContain("Unknown option '--no-such-option'");
  expect(status).not.toBe(0);
});
