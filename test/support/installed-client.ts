// How does a program outside of the repository import 'carillon' in a test? As from the package, whose making has a
// test of its own (integration/packages); this one stands for what was built.
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const ROOT = resolve(import.meta.dirname, '../..');
/** The package's entries, and what was built of each. */
const ENTRIES = { index: 'index.js', testing: 'testing/index.js' };

/** Puts it into the folder's node_modules, and the other packages that are named. */
export async function installClient(folder: string, ...others: string[]): Promise<void> {
  const modules = join(folder, 'node_modules');
  const client = join(modules, 'carillon');
  await mkdir(client, { recursive: true });
  const exports = { '.': './index.js', './testing': './testing.js' };
  await writeFile(join(client, 'package.json'), JSON.stringify({ type: 'module', exports }));
  for (const [entry, built] of Object.entries(ENTRIES)) {
    const { href } = pathToFileURL(join(ROOT, 'dist/libs/client', built));
    await writeFile(join(client, `${entry}.js`), `export * from ${JSON.stringify(href)};\n`);
  }
  for (const name of others) await symlink(join(ROOT, 'node_modules', name), join(modules, name));
}
