// Can a newcomer follow the README word for word, and docs/GETTING-STARTED.md after it? Their shell blocks are run as they
// stand, in order, in a copy of the repository: the first starts everything, the others use it, and each must succeed.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, cp, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { until } from '../support/until.js';

const ROOT = resolve(import.meta.dirname, '../..');
let home: string;
let folder: string;
let up: ChildProcess;
let output = '';

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'carillon-readme-'));
  // As root, PostgreSQL runs as another user, which must be able to reach its data here.
  await chmod(home, 0o711);
  folder = join(home, 'carillon');
  const { stdout } = spawnSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  for (const file of stdout.split('\0').filter((name) => name !== '' && existsSync(join(ROOT, name)))) {
    await cp(join(ROOT, file), join(folder, file), { recursive: true, preserveTimestamps: true });
  }
  // What the first command would install and build is there already; an installation has a test of its own in CI.
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  await cp(join(ROOT, 'dist'), join(folder, 'dist'), { recursive: true, preserveTimestamps: true });
});

afterAll(async () => {
  up.kill('SIGTERM');
  await until('everything has stopped', () => up.exitCode !== null || up.signalCode !== null, 400_000);
  await rm(home, { recursive: true, force: true });
});

async function shellBlocks(): Promise<string[]> {
  const readme = await readFile(join(folder, 'README.md'), 'utf8');
  return [...readme.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = '']) => block);
}

it('its commands work as they are written', async () => {
  const [start = '', ...use] = await shellBlocks();
  expect(use.length).toBeGreaterThanOrEqual(3);
  up = spawn('bash', ['-c', `exec ${start.trim()}`], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [up.stdout, up.stderr])
    stream?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await until(
    'it says that it is ready',
    () => {
      if (up.exitCode !== null)
        throw new Error(`expected npm start to go on, got exit code ${up.exitCode}:\n${output}`);
      return output.includes('Ready after');
    },
    90_000,
  );
  const stdout = play(use.join('\n'));
  expect(stdout).toContain('"sleptMs":2000');
  expect(stdout).toMatch(/"outcome":"(fired|late)"/);
});

it('the ways of docs/GETTING-STARTED.md work as they are written', async () => {
  const page = await readFile(join(folder, 'docs/GETTING-STARTED.md'), 'utf8');
  const plain = play(scriptOf(page, 'A plain Node service'));
  const said = ["succeeded { sent: 'ada@example.com' }", 'due at 2031-02-01T08:00:00.000+01:00'];
  for (const line of said) {
    expect(plain.split('\n')).toContain(line);
    expect(page).toContain(line);
  }
  const [prepare = ''] = blocksOf(page, 'A plain Node service');
  const setUp = prepare.split('\n').filter((line) => /^(KEY|export CARILLON_URL|ask\(\))/.test(line));
  const python = play([...setUp, scriptOf(page, 'A worker in another language')].join('\n'));
  expect(python).toContain('"state":"succeeded"');
}, 120_000);

/** Its blocks as one script, in which a block of code becomes the file that its first line names. */
function scriptOf(page: string, heading: string): string {
  return blocksOf(page, heading).join('\n');
}

function blocksOf(page: string, heading: string): string[] {
  const [, section = ''] = page.split(`\n## ${heading}\n`);
  const [own = ''] = section.split(/^## /m);
  return [...own.matchAll(/^```(sh|js)\n(.*?)^```$/gms)].map(([, language, text = '']) => {
    const name = /^\/\/ (\S+)/.exec(text)?.[1];
    return language === 'sh' ? text : `cat > ${name} <<'END'\n${text}END`;
  });
}

/** Returns what was printed. */
function play(script: string): string {
  const { status, stdout, stderr } = spawnSync('bash', ['--norc', '-euo', 'pipefail', '-c', script], {
    cwd: folder,
    encoding: 'utf8',
    env: {
      ...process.env,
      PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
      npm_config_prefer_offline: 'true',
      npm_config_update_notifier: 'false',
    },
  });
  expect({ status, stderr }, stdout).toEqual({ status: 0, stderr: '' });
  return stdout;
}

it('fits on three screens', async () => {
  expect((await readFile(join(ROOT, 'README.md'), 'utf8')).trimEnd().split('\n').length).toBeLessThanOrEqual(
    150,
  );
});
