// Makes two packages of this repository, for `npm install` or `npm publish`: `carillon`, what applications import, and
// `carillon-server`, the program. A client that came with the server brought a PostgreSQL and a Node along.
//
// The client is compiled twice, for `import` and for `require`, by the compiler of the server. In its files the names of
// package.json's import map become relative paths, which each bundler, test runner and older compiler understands.
import { execFile } from 'node:child_process';
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const source = join(root, 'libs/client/npm');
const [folder = join(root, 'dist/npm')] = process.argv.slice(2);
const client = resolve(folder, 'carillon');

const AS_COMMONJS = [
  '--module',
  'commonjs',
  '--moduleResolution',
  'bundler',
  '--verbatimModuleSyntax',
  'false',
];

await rm(client, { recursive: true, force: true });
await Promise.all([compile('esm', []), compile('cjs', AS_COMMONJS)]);
await writeFile(join(client, 'cjs/package.json'), '{ "type": "commonjs" }\n');
await Promise.all([
  writeManifest(),
  cp(join(source, 'README.md'), join(client, 'README.md')),
  cp(join(root, 'LICENSE'), join(client, 'LICENSE')),
]);
const packed = [await pack(client), await pack(root)];
process.stdout.write(`${packed.join('\n')}\n`);

async function compile(name, options) {
  const target = join(client, name);
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  await node([tsc, '--project', source, '--outDir', target, ...options]);
  const files = await readdir(target, { recursive: true });
  await Promise.all(
    files.filter((file) => /\.(js|d\.ts)$/.test(file)).map((file) => makeRelative(target, file)),
  );
}

async function makeRelative(target, file) {
  const path = join(target, file);
  const text = await readFile(path, 'utf8');
  const wayTo = (named) => {
    const way = relative(dirname(file), named);
    return way.startsWith('.') ? way : `./${way}`;
  };
  await writeFile(
    path,
    text.replaceAll(/(?<=["'])#([^"']+\.js)(?=["'])/g, (_name, named) => wayTo(named)),
  );
}

/** Both packages have one version. */
async function writeManifest() {
  const { name, ...rest } = await readJson(join(source, 'package.json'));
  const { version } = await readJson(join(root, 'package.json'));
  await writeFile(join(client, 'package.json'), `${JSON.stringify({ name, version, ...rest }, null, 2)}\n`);
}

/** Returns the path of the tarball. No script runs: what is packed has been built. */
async function pack(what) {
  await mkdir(folder, { recursive: true });
  const options = ['--json', '--ignore-scripts', '--loglevel=error', '--pack-destination', resolve(folder)];
  const { stdout } = await run('npm', ['pack', ...options], { cwd: what, maxBuffer: 1 << 26 });
  const [{ filename }] = JSON.parse(stdout);
  return join(folder, filename);
}

async function node(args) {
  await run(process.execPath, args, { cwd: root }).catch((error) => {
    process.stderr.write(error.stdout);
    throw error;
  });
}

async function readJson(path) {
  return JSON.parse(await readFile(path, 'utf8'));
}
