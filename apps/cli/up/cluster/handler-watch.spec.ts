// Are changed handlers taken once they are complete and load, by one replica after the other?
import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { HandlerWatch, stateOf } from './handler-watch.js';

async function stage() {
  const folder = await mkdtemp(join(tmpdir(), 'carillon-watch-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const write = async (name: string, text: string): Promise<void> => {
    await mkdir(join(folder, name, '..'), { recursive: true });
    await writeFile(join(folder, name), text);
  };
  await write('a.ts', '1');
  const played = {
    reason: null as string | null,
    said: [] as string[],
    restarted: [] as string[],
    down: '',
    endsAt: '',
  };
  const ending = new AbortController();
  const restartable = ['r1', 'r2'];
  const restart = async (name: string) => {
    played.restarted.push(name);
    if (name === played.endsAt) ending.abort();
    return name === played.down ? null : { name, pid: 2, url: '' };
  };
  const watch = new HandlerWatch(
    {
      folder,
      replicas: { restartable, restart },
      say: (line) => played.said.push(line),
      check: async () => played.reason,
      signal: ending.signal,
    },
    await stateOf(folder),
  );
  return { folder, write, played, watch, ending };
}

it('once two looks have seen the same', async () => {
  const { write, played, watch } = await stage();
  await watch.runOnce();
  await write('a.ts', '22');
  await watch.runOnce();
  await write('inside/b.ts', '1');
  await watch.runOnce();
  expect(played.restarted).toEqual([]);
  for (let looks = 0; looks < 3; looks += 1) await watch.runOnce();
  expect(played.restarted).toEqual(['r1', 'r2']);
  expect(played.said).toEqual(['the handlers have changed: r1 and r2 took them']);
});

it('also where only the time has changed or a file is gone, and not for packages or hidden files', async () => {
  const { folder, write, played, watch } = await stage();
  await write('node_modules/zod/index.js', '1');
  await write('.git/HEAD', '1');
  for (let looks = 0; looks < 3; looks += 1) await watch.runOnce();
  expect(played.restarted).toEqual([]);
  await utimes(join(folder, 'a.ts'), 5, 5);
  for (let looks = 0; looks < 3; looks += 1) await watch.runOnce();
  expect(played.restarted).toHaveLength(2);
  await rm(join(folder, 'a.ts'));
  for (let looks = 0; looks < 3; looks += 1) await watch.runOnce();
  expect(played.restarted).toHaveLength(4);
});

it('are refused where they do not load, until they change again', async () => {
  const { write, played, watch } = await stage();
  played.reason = 'a.ts: expected a module that loads';
  await write('a.ts', 'const');
  for (let looks = 0; looks < 4; looks += 1) await watch.runOnce();
  expect(played.said).toEqual([
    'the handlers have changed, and are not taken: a.ts: expected a module that loads',
  ]);
  expect(played.restarted).toEqual([]);
  played.reason = null;
  played.down = 'r1';
  await write('a.ts', 'const b = 1');
  for (let looks = 0; looks < 4; looks += 1) await watch.runOnce();
  expect(played.said.at(-1)).toBe(
    'the handlers have changed, but r1 did not come back with them; no other takes them',
  );
  expect(played.restarted).toEqual(['r1']);
});

it('no other replica is restarted once everything ends', async () => {
  const { write, played, watch } = await stage();
  played.endsAt = 'r1';
  await write('a.ts', '22');
  for (let looks = 0; looks < 3; looks += 1) await watch.runOnce();
  expect(played).toMatchObject({ restarted: ['r1'], said: [] });
});
