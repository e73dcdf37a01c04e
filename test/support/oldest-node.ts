// The oldest Node that clients are promised to run on: the machine's own, wherever it is older than the one that the
// replicas need.
import { spawnSync } from 'node:child_process';
import { delimiter, join } from 'node:path';

export function oldestNode(): string {
  const found = (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((folder) => !folder.includes('node_modules'))
    .map((folder) => join(folder, 'node'))
    .find((node) => /^v2[01]\./.test(spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout ?? ''));
  if (found === undefined) console.warn('no Node 20 is installed: clients are tried on this one');
  return found ?? process.execPath;
}
