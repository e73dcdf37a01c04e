// Does a folder of modules become handlers, and does a broken module stop the start with its name?
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { loadHandlerFolder } from './handler-folder.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'carillon-handlers-'));
  return () => rm(folder, { recursive: true });
});

/** The form of what `handler` returns; modules that import the client are tried with real replicas. */
const exported = (name: string, job: string): string =>
  `export const ${name} = { kind: 'job-handler', definition: { name: '${job}' }, handle: () => '${job}', thread: false };\n`;

const put = (file: string, text: string): Promise<void> => writeFile(join(folder, file), text);

describe('a folder of handlers', () => {
  it('brings what its modules export, in the order of their names', async () => {
    await put('b.mjs', exported('b', 'b.job'));
    await put('a.js', exported('a', 'a.one') + exported('z', 'a.two') + 'export const other = 3;');
    await put('c.ts', `export const note: string = 'typed';\n${exported('c', 'c.job')}export default c;\n`);
    const found = await loadHandlerFolder(folder);
    expect(found.map(({ definition }) => definition.name)).toEqual(['a.one', 'a.two', 'b.job', 'c.job']);
    expect(found[3]).toMatchObject({ file: join(folder, 'c.ts'), thread: false });
  });

  it('leaves alone what is no module of its own', async () => {
    await put('a.mjs', exported('a', 'a.job'));
    await put('readme.md', '# Jobs');
    await put('types.d.ts', 'export {};');
    await put('a.spec.ts', 'throw new Error("a test");');
    await put('.hidden.mjs', 'throw new Error("hidden");');
    await mkdir(join(folder, 'shared'));
    await put('shared/lib.mjs', 'export const shared = 1;');
    expect(await loadHandlerFolder(folder)).toHaveLength(1);
  });
});

describe('a module that stops the start', () => {
  it.each([
    ['throws', 'throw new Error("no licence");', /broken\.mjs: .*no licence/],
    ['is no JavaScript', 'export const = 1;', /broken\.mjs: expected a module that loads/],
    ['imports what is not there', "import 'no-such-package';", /broken\.mjs: .*no-such-package/],
    ['exports nothing', 'const a = 1;', /broken\.mjs: .*got 0 exports/],
    [
      'exports nothing usable',
      'export const a = () => 1; export default null;',
      /broken\.mjs: .*got 2 exports/,
    ],
  ])('%s', async (_what, text, message) => {
    await put('broken.mjs', text);
    await expect(loadHandlerFolder(folder)).rejects.toThrow(message);
    await expect(loadHandlerFolder(folder)).rejects.toMatchObject({ name: 'ConfigError' });
  });

  it('handles a job that another one handles already', async () => {
    await put('a.mjs', exported('a', 'same.job'));
    await put('b.mjs', exported('b', 'same.job'));
    await expect(loadHandlerFolder(folder)).rejects.toThrow(
      /b\.mjs \(export b\): .*same\.job.*a\.mjs \(export a\)/,
    );
  });

  it('exports two handlers for one job', async () => {
    await put('a.mjs', exported('one', 'same.job') + exported('two', 'same.job'));
    await expect(loadHandlerFolder(folder)).rejects.toThrow(
      /a\.mjs \(export two\): .*same\.job.*a\.mjs \(export one\)/,
    );
  });
});

describe('a folder', () => {
  it('that is not there, or empty, is told apart', async () => {
    await expect(loadHandlerFolder(join(folder, 'no'))).rejects.toThrow(/CARILLON_HANDLERS: .*ENOENT/);
    await expect(loadHandlerFolder(folder)).rejects.toThrow(/CARILLON_HANDLERS: .*got none/);
  });
});
