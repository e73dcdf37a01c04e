// Makes two packages of this repository, for `npm install` or `npm publish`: `carillon`, what applications import, and
// `carillon-server`, the program. A client that came with the server brought a PostgreSQL and a Node along.
//
// The client is one file for `import` and one for `require`: its forty modules took three times as long to load. The
// compiler writes their declarations, in which names of package.json's import map become relative paths, since older
// compilers know no such map. They lie there twice, since the nearest package.json says of which kind a module is.
import { execFile } from 'node:child_process';
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { rolldown } from 'rolldown';

const run = promisify(execFile);
const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const source = join(root, 'libs/client/npm');
const folder = resolve(process.argv[2] ?? join(root, 'dist/npm'));
const client = join(folder, 'carillon');

await rm(client, { recursive: true, force: true });
await mkdir(client, { recursive: true });
await Promise.all([bundle(), declare(), describe(), compile(join(root, 'apps/server/nest'))]);
process.stdout.write(`${await pack(client)}\n${await pack(root)}\n`);

async function bundle() {
  await bundleOne('index', 'libs/client/index.ts', []);
  // Their client is the one that the application imports, and its Nest, too.
  await bundleOne('nest', 'libs/client/nest/index.ts', ['#client/index.js', /^@nestjs\//]);
  await bundleOne('testing', 'libs/client/testing/index.ts', ['#client/index.js']);
}

async function bundleOne(name, input, external) {
  const built = await rolldown({
    input: join(root, input),
    cwd: root,
    platform: 'node',
    external,
    resolve: { conditionNames: ['source'] },
    // What Node 20 and the bundlers of users read.
    transform: { target: 'es2022' },
  });
  for (const [extension, format] of [
    ['js', 'esm'],
    ['cjs', 'cjs'],
  ])
    await built.write({
      file: join(client, `${name}.${extension}`),
      format,
      paths: { '#client/index.js': `./index.${extension}` },
      sourcemap: true,
      sourcemapPathTransform: (path, mapPath) => relative(root, resolve(dirname(mapPath), path)),
    });
  await built.close();
}

async function declare() {
  const types = join(client, 'types/esm');
  await compile(source, '--outDir', types);
  const files = await readdir(types, { recursive: true });
  for (const file of files.filter((name) => name.endsWith('.d.ts'))) await makeRelative(types, file);
  await cp(types, join(client, 'types/cjs'), { recursive: true });
  await writeFile(join(client, 'types/cjs/package.json'), '{ "type": "commonjs" }\n');
}

/** Writes the declaration files of the project in the folder. */
async function compile(project, ...more) {
  const args = [join(root, 'node_modules/typescript/bin/tsc'), '--project', project, ...more];
  await run(process.execPath, args).catch((error) => {
    throw new Error(`expected ${relative(root, project)} to compile, got ${error.stdout}`, { cause: error });
  });
}

async function makeRelative(types, file) {
  const path = join(types, file);
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
async function describe() {
  const { name, ...rest } = await readJson(join(source, 'package.json'));
  const { version } = await readJson(join(root, 'package.json'));
  await writeFile(join(client, 'package.json'), `${JSON.stringify({ name, version, ...rest }, null, 2)}\n`);
  await cp(join(source, 'README.md'), join(client, 'README.md'));
  await cp(join(root, 'LICENSE'), join(client, 'LICENSE'));
}

/** Returns the path of the tarball. No script runs: what is packed has been built. */
async function pack(what) {
  const options = ['--json', '--ignore-scripts', '--loglevel=error', '--pack-destination', folder];
  const { stdout } = await run('npm', ['pack', ...options], { cwd: what, maxBuffer: 1 << 26 });
  const [{ filename }] = JSON.parse(stdout);
  return join(folder, filename);
}

async function readJson(path) {
  return JSON.parse(await readFile(path, 'utf8'));
}
