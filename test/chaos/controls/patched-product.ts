// What if one line of the product were wrong? A copy of what is built, in a folder of its own, with that line replaced.
// A text that is not there, or there more than once, is an error: a control that patches nothing would prove nothing.
import { cp, readFile, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../../..');

export interface Patch {
  /** Below dist/. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** Resolves with the server to start. The folder must be there, and must be empty. */
export async function patchedProduct(folder: string, patches: readonly Patch[]): Promise<string> {
  for (const name of ['dist', 'migrations', 'package.json'])
    await cp(join(ROOT, name), join(folder, name), { recursive: true });
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  for (const patch of patches) await apply(folder, patch);
  return join(folder, 'dist/apps/server/main.js');
}

async function apply(folder: string, patch: Patch): Promise<void> {
  const path = join(folder, 'dist', patch.file);
  await writeFile(path, patched(await readFile(path, 'utf8'), patch));
}

/** The text of the patch's file with the patch in it. */
export function patched(text: string, { file, from, to }: Patch): string {
  const times = text.split(from).length - 1;
  if (times !== 1)
    throw new Error(
      `expected the text to be patched in dist/${file} once, got it ${times} times; has the product changed?\n${from}`,
    );
  return text.replace(from, () => to);
}
