// How does a program outside of the repository import 'carillon' in a test? As from the package, whose making has a
// test of its own (integration/packages); this one stands for what was built.
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const ROOT = resolve(import.meta.dirname, '../..');
const CLIENT = pathToFileURL(join(ROOT, 'dist/libs/client/index.js')).href;

/** Puts it into the folder's node_modules, and the other packages that are named. */
export async function installClient(folder: string, ...others: string[]): Promise<void> {
  const modules = join(folder, 'node_modules');
  const client = join(modules, 'carillon');
  await mkdir(client, { recursive: true });
  await writeFile(join(client, 'package.json'), JSON.stringify({ type: 'module', exports: './index.js' }));
  await writeFile(join(client, 'index.js'), `export * from ${JSON.stringify(CLIENT)};\n`);
  for (const name of others) await symlink(join(ROOT, 'node_modules', name), join(modules, name));
}
