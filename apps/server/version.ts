// The version of this release, from the package.json above this file, in the sources as in dist/.
import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';

export const VERSION: string = readVersion();

function readVersion(): string {
  const path = findPackageJSON(import.meta.url);
  if (path === undefined) throw new Error('expected a package.json above the program, found none');
  const { version } = JSON.parse(readFileSync(path, 'utf8')) as { version: string };
  return version;
}
