// Which Node runs the product? It is found by a Node that is possibly older than the product needs.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const MAJOR_NEEDED = 24;

/** Something the person at the terminal can act on: printed as it is, without a stack. */
export class Failure extends Error {}

/** Our own Node if it is installed and runs here, else the one that runs this file if it is new enough. */
export function findNode() {
  const own = ownNode();
  if (own !== undefined && spawnSync(own, ['--version']).status === 0) return own;
  if (Number.parseInt(process.versions.node, 10) >= MAJOR_NEEDED) return process.execPath;
  throw new Failure(
    `Carillon needs Node ${MAJOR_NEEDED} or newer, and this is ${process.versions.node}. On Linux (glibc, x64 and` +
      ' arm64) it comes with the optional dependencies: run "npm ci --include=optional". Elsewhere, install it first.',
  );
}

/** In a clone it is in node_modules; a package has it beside itself. */
function ownNode() {
  const name = `node-${process.platform}-${process.arch}`;
  try {
    return join(dirname(createRequire(import.meta.url).resolve(`${name}/package.json`)), 'bin/node');
  } catch {
    return undefined;
  }
}
