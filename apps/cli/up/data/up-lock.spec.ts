// Can two starts ever hold the same data folder?
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { takeUpLock } from './up-lock.js';

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'carillon-lock-'));
  path = join(folder, 'up.lock');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const nobody = async (): Promise<boolean> => false;
const anybody = async (): Promise<boolean> => true;

async function leaveLockOf(pid: number): Promise<void> {
  await mkdir(path);
  await writeFile(join(path, String(pid)), '');
}

describe('the lock of the data folder', () => {
  it('is free at first, and again after its release', async () => {
    for (const _ of [1, 2]) {
      const lock = await takeUpLock(path, anybody);
      expect(lock.kind).toBe('taken');
      expect(await readdir(path)).toEqual([String(process.pid)]);
      if (lock.kind === 'taken') await lock.release();
      expect(await readdir(folder)).toEqual([]);
    }
  });

  it('tells who holds it, and stays his', async () => {
    await leaveLockOf(4711);
    expect(await takeUpLock(path, anybody)).toEqual({ kind: 'held', pid: 4711 });
    expect(await readdir(folder)).toEqual(['up.lock']);
    expect(await readdir(path)).toEqual(['4711']);
  });

  it('is taken from the dead', async () => {
    await leaveLockOf(4711);
    expect((await takeUpLock(path, nobody)).kind).toBe('taken');
    expect(await readdir(path)).toEqual([String(process.pid)]);
  });

  it('is taken from a dead process that had our own id', async () => {
    await leaveLockOf(process.pid);
    expect((await takeUpLock(path, async (pid) => pid !== process.pid)).kind).toBe('taken');
  });

  it('is not broken a second time by somebody who found the same dead holder', async () => {
    await leaveLockOf(4711);
    // While we still believe 4711 to hold it, another one breaks it and moves in.
    const overtaken = async (pid: number): Promise<boolean> => {
      if (pid !== 4711) return true;
      await rm(join(path, '4711'), { force: true });
      await writeFile(join(path, '4712'), '');
      return false;
    };
    expect(await takeUpLock(path, overtaken)).toEqual({ kind: 'held', pid: 4712 });
  });
});
