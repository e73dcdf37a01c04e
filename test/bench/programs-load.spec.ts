// Can plain Node load the programs of the tests? It strips types and nothing more, so a file of the product that has a
// parameter property, imported from far away, ends them before they begin; and nothing else runs them each day.
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';

const ROOT = resolve(import.meta.dirname, '../..');
const PROGRAMS = [
  'test/chaos/main.ts',
  'test/chaos/controls/main.ts',
  'test/bench/main.ts',
  'test/bench/bloat.ts',
  'test/bench/failover.ts',
  'test/bench/fairness.ts',
];
const LIMIT_MS = 120_000;

it.each(PROGRAMS)('%s is loaded, and refuses an option that it does not know', (program) => {
  const options = ['--conditions=source', '--import', './test/support/typescript.mjs'];
  const { stderr, stdout } = spawnSync(process.execPath, [...options, program, '--no-such-option'], {
    cwd: ROOT,
    encoding: 'utf8',
    timeout: LIMIT_MS,
  });
  expect(stderr + stdout).toContain('no-such-option');
});
