// What does a test of the packages need? Their tarballs, made once for each file by `npm run pack`, and applications
// outside of the repository into which that of the client is installed, with packages of ours in place of the registry's.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect } from 'vitest';

const run = promisify(execFile);
const ROOT = resolve(import.meta.dirname, '../..');

export interface Packed {
  /** For applications; goes when the tests of the file are over. */
  readonly folder: string;
  /** That of the client, and that of the server. */
  readonly tarballs: readonly string[];
}

export function usePacked(): Packed {
  const packed = { folder: '', tarballs: [] as string[] };
  beforeAll(async () => {
    packed.folder = await mkdtemp(join(tmpdir(), 'carillon-packages-'));
    const { stdout } = await run(process.execPath, ['apps/cli/pack.mjs', packed.folder], { cwd: ROOT });
    packed.tarballs = stdout.trim().split('\n');
  });
  afterAll(() => rm(packed.folder, { recursive: true, force: true }));
  return packed;
}

/** An application with the client's package. Returns its folder. */
export async function newApplication(
  { folder, tarballs }: Packed,
  type: 'module' | 'commonjs',
): Promise<string> {
  const home = await mkdtemp(join(folder, `${type}-`));
  await writeFile(join(home, 'package.json'), JSON.stringify({ name: 'app', private: true, type }));
  const options = ['--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];
  await run('npm', ['install', ...options, tarballs[0] ?? ''], { cwd: home });
  return home;
}

/** Packages of this repository, as if they had been installed. */
export async function bring(home: string, ...names: string[]): Promise<void> {
  for (const name of names) {
    const to = join(home, 'node_modules', name);
    await mkdir(dirname(to), { recursive: true });
    await symlink(join(ROOT, 'node_modules', name), to);
  }
}

const STRICT = [
  '--strict',
  '--exactOptionalPropertyTypes',
  '--noUncheckedIndexedAccess',
  '--target',
  'ES2022',
];

/** Strictly, with these options of tsc and files. */
export async function expectCompiles(home: string, ...args: string[]): Promise<void> {
  await expectBuilds(home, ...STRICT, ...args);
}

/** By tsc, as it is told. */
export async function expectBuilds(home: string, ...args: string[]): Promise<void> {
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
  const ended = run(process.execPath, [tsc, ...args], { cwd: home });
  const { stdout } = await ended.catch((error: { stdout: string }) => error);
  expect(stdout).toBe('');
}
