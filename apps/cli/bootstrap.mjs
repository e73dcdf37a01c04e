#!/usr/bin/env node
// How does a fresh clone become a running program with one command? This file runs before anything is installed,
// and possibly on an older Node than the product needs, so it uses built-in modules only and the syntax of Node 18.
//
// It brings three things up to date, each only if it is not: node_modules (npm ci), dist/ (nest build), and then it
// hands over to Node 24, which comes with the dependencies where the platform allows it. From there on it is only a
// bridge: the child has the terminal, and this process passes signals on and ends with the child's exit code.
//
// It is also the command `carillon` of the installed package, where npm has brought everything and nothing is built.
//
// Several of these may start in one clone at the same time (two `npm start`, or one beside `npm test`). Installing
// and building are done by one of them, under a lock, while the others wait; each looks again once it has the lock.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Failure, findNode } from './find-node.mjs';

const LOCK_POLL_MS = 200;
/** The same signal twice within this time is one signal that came by two ways: npm also passes on what it gets. */
const SAME_SIGNAL_MS = 200;

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
/** No package has a lockfile: npm leaves it out. */
const isClone = fs.existsSync(join(root, 'package-lock.json'));
const installStamp = join(root, 'node_modules/.carillon-install');
const buildStamp = join(root, 'dist/.carillon-build');
const lockFolder = join(root, '.data/bootstrap.lock');
const lockOwner = String(process.pid);

const buildInputs = ['apps', 'libs', 'migrations', 'package.json', 'package-lock.json', 'nest-cli.json'];

/** Programs of the tests, which plain Node runs from their sources. */
const testPrograms = {
  chaos: 'test/chaos/main.ts',
  'chaos:controls': 'test/chaos/controls/main.ts',
  bench: 'test/bench/main.ts',
  'bench:bloat': 'test/bench/bloat.ts',
  'bench:failover': 'test/bench/failover.ts',
  'bench:fairness': 'test/bench/fairness.ts',
};

/** Stopped by a signal before the child ran. */
class Stopped extends Error {}

let child;
let stoppedBy;
let isHandedOver = false;
listenForSignals();
process.once('exit', releaseLock);
main(process.argv.slice(2)).catch((error) => {
  if (!(error instanceof Stopped)) say(error instanceof Failure ? error.message : error.stack);
  process.exitCode = stoppedBy ? 128 + constants.signals[stoppedBy] : 1;
});

async function main(args) {
  if (isClone && (!isInstalled() || !isBuilt())) await underLock(prepare);
  const line = await commandLine(args);
  isHandedOver = true;
  process.exitCode = await run(findNode(), line);
}

async function commandLine([command, ...args]) {
  const ofClone = isClone ? commandLineOfClone(command, args) : undefined;
  if (ofClone !== undefined) return ofClone;
  if (command === 'replica' && args.length === 0) {
    const { REPLICA_FLAGS } = await import(
      pathToFileURL(join(root, 'dist/apps/server/settings/node-flags.js'))
    );
    return [...REPLICA_FLAGS, join(root, 'dist/apps/server/main.js')];
  }
  const words = command === undefined ? [] : [command, ...args];
  return ['--enable-source-maps', join(root, 'dist/apps/cli/main.js'), ...words];
}

function commandLineOfClone(command, args) {
  const vitest = ['node_modules/vitest/vitest.mjs', 'run'];
  if (command === 'test') return [...vitest, ...args];
  const sources = ['--conditions=source', '--import', './test/support/typescript.mjs'];
  if (command in testPrograms) return [...sources, testPrograms[command], ...args];
  if (command?.startsWith('test:')) return [...vitest, '--project', command.slice('test:'.length), ...args];
  return command === 'pack' ? ['apps/cli/pack.mjs', ...args] : undefined;
}

async function prepare() {
  if (!isInstalled()) await install();
  if (!isBuilt()) await build();
}

async function install() {
  checkNodeOfNpm();
  say('Installing the dependencies of package-lock.json (npm ci). This takes a while the first time.');
  fs.rmSync(installStamp, { force: true });
  // Development dependencies are needed even with NODE_ENV=production: they build the product. No package's own
  // script runs, whatever the npm, but those of the platform packages, which bring PostgreSQL and Node. An npm
  // before 11 knows nothing of allowScripts, and does not put our Node into node_modules/.bin until the second step.
  await npm(['ci', '--ignore-scripts', '--include=dev', '--include=optional']);
  await npm(['rebuild', ...Object.keys(readJson('package.json').optionalDependencies)]);
  fs.writeFileSync(installStamp, lockfileHash());
}

async function npm(args) {
  // Warnings are hidden, because an older Node gets one for every second package.
  const options = ['--no-audit', '--no-fund', '--loglevel=error'];
  const code = await run('npm', [...args, ...options], { isStep: true, path: pathWithoutOurs() });
  if (code === 0) return;
  throw new Failure(
    `npm ${args[0]} failed with exit code ${code}, so nothing was started. Its own messages are above; mend their` +
      ' cause (often the network or a proxy) and run the same command again.',
  );
}

/** On a Node that is too old for them, npm leaves out the native parts of our tools without a word. */
function checkNodeOfNpm() {
  const { stdout } = spawnSync('node', ['--version'], {
    encoding: 'utf8',
    env: { ...process.env, PATH: pathWithoutOurs() },
  });
  const [major = 0, minor = 0] = (stdout ?? '').replace('v', '').split('.').map(Number);
  const isNewEnough = major === 20 ? minor >= 19 : major === 22 ? minor >= 12 : major > 22;
  if (isNewEnough) return;
  throw new Failure(
    `Installing needs Node 20.19, 22.12 or newer on the PATH, and this is ${stdout?.trim() || 'none'}.`,
  );
}

async function build() {
  const startedAt = new Date();
  say('Building dist/ (nest build), which is missing or older than a source.');
  const code = await run(findNode(), ['node_modules/@nestjs/cli/bin/nest.js', 'build'], { isStep: true });
  if (code !== 0) throw new Failure(`The build failed with exit code ${code}, so nothing was started.`);
  fs.mkdirSync(dirname(buildStamp), { recursive: true });
  fs.writeFileSync(buildStamp, '');
  // The stamp bears the time of the start: what was edited during the build counts as newer than it.
  fs.utimesSync(buildStamp, startedAt, startedAt);
}

function isInstalled() {
  const stamp = readIfThere(installStamp);
  if (stamp === lockfileHash()) return true;
  if (stamp !== undefined || !hasWhatTheLockfileNames()) return false;
  fs.writeFileSync(installStamp, lockfileHash());
  return true;
}

/** Compares with the list that npm leaves behind once an installation is complete. */
function hasWhatTheLockfileNames() {
  const list = readIfThere(join(root, 'node_modules/.package-lock.json'));
  if (list === undefined) return false;
  const installed = JSON.parse(list).packages;
  const named = readJson('package-lock.json').packages;
  return Object.keys(named).every((path) => {
    if (path === '') return true; // the project itself
    const isOptional = named[path].optional || named[path].devOptional;
    return installed[path] ? installed[path].version === named[path].version : isOptional;
  });
}

function lockfileHash() {
  return createHash('sha256')
    .update(fs.readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
}

function isBuilt() {
  const stamp = fs.statSync(buildStamp, { throwIfNoEntry: false });
  if (stamp === undefined) return false;
  const configs = fs.readdirSync(root).filter((name) => /^tsconfig.*\.json$/.test(name));
  return [...buildInputs, ...configs].every((name) => newestMs(join(root, name)) <= stamp.mtimeMs);
}

/** A folder counts too: its time is that of the last file added to it or removed from it. */
function newestMs(path) {
  const stats = fs.statSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return 0;
  if (!stats.isDirectory()) return stats.mtimeMs;
  return Math.max(stats.mtimeMs, ...fs.readdirSync(path).map((name) => newestMs(join(path, name))));
}

/**
 * Runs a program to its end and returns its exit code. A step of the preparation gets no keys, and what it prints
 * goes to stderr, since stdout belongs to the command that was asked for.
 */
function run(program, args, { isStep = false, path = pathWithNode(program) } = {}) {
  if (stoppedBy) throw new Stopped();
  return new Promise((done, fail) => {
    const stdio = isStep ? ['ignore', 2, 2] : 'inherit';
    const cwd = isClone ? root : process.cwd();
    // Where files that are named on the command line lie.
    const INIT_CWD = isClone ? (process.env.INIT_CWD ?? process.cwd()) : process.cwd();
    child = spawn(program, args, { cwd, stdio, env: { ...process.env, PATH: path, INIT_CWD } });
    child.once('error', (error) => fail(new Failure(`${program} could not be started: ${error.message}`)));
    child.once('exit', (code, signal) => {
      child = undefined;
      if (stoppedBy) fail(new Stopped());
      else done(signal ? 128 + constants.signals[signal] : code);
    });
  });
}

function pathWithNode(node) {
  return [dirname(fs.realpathSync(node)), process.env.PATH ?? ''].join(delimiter);
}

/** npm must not run on the Node in node_modules, which it is about to delete. */
function pathWithoutOurs() {
  const ours = join(root, 'node_modules');
  const folders = (process.env.PATH ?? '').split(delimiter);
  return folders.filter((folder) => !resolve(root, folder).startsWith(ours)).join(delimiter);
}

/**
 * Ctrl-C reaches the whole foreground group, so the child has it already; passing it on would tell it twice, and a
 * second one means "at once". SIGTERM and SIGHUP are sent to this process alone, so they are passed on.
 */
function listenForSignals() {
  const lastAtMs = new Map();
  const receive = (signal) => {
    const nowMs = performance.now();
    const isRepeated = nowMs - (lastAtMs.get(signal) ?? -Infinity) < SAME_SIGNAL_MS;
    lastAtMs.set(signal, nowMs);
    if (isRepeated) return;
    if (!isHandedOver) stoppedBy = signal;
    if (signal !== 'SIGINT') child?.kill(signal);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, receive);
}

/**
 * The lock is a folder that holds one file, named for the process that has it. It is prepared aside and renamed into
 * place, which works only onto a missing or empty folder: nobody ever sees it without its owner. The lock of a dead
 * process is broken by deleting the file of just that name, so two who find it at once can't break each other's.
 */
async function underLock(work) {
  const prepared = `${lockFolder}.${lockOwner}`;
  fs.mkdirSync(prepared, { recursive: true });
  fs.writeFileSync(join(prepared, lockOwner), '');
  for (let saidFor = ''; !takeLock(prepared);) {
    const holder = breakLockOfTheDead();
    if (holder === undefined) continue;
    if (holder !== saidFor) say(`Process ${holder} is installing or building here; waiting for it.`);
    saidFor = holder;
    await new Promise((wake) => setTimeout(wake, LOCK_POLL_MS));
    if (stoppedBy) break;
  }
  try {
    if (!stoppedBy) await work();
  } finally {
    fs.rmSync(prepared, { recursive: true, force: true });
    releaseLock();
  }
  if (stoppedBy) throw new Stopped();
}

function takeLock(prepared) {
  try {
    fs.renameSync(prepared, lockFolder);
    return true;
  } catch (error) {
    if (error.code === 'ENOTEMPTY' || error.code === 'EEXIST') return false;
    throw error;
  }
}

/** Returns the living holder of the lock, or nothing when the lock may be tried again at once. */
function breakLockOfTheDead() {
  const [holder] = fs.existsSync(lockFolder) ? fs.readdirSync(lockFolder) : [];
  if (holder === undefined || isAlive(Number(holder))) return holder;
  fs.rmSync(join(lockFolder, holder), { force: true });
  return undefined;
}

function releaseLock() {
  fs.rmSync(join(lockFolder, lockOwner), { force: true });
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM'; // somebody else's process, but alive
  }
}

function readIfThere(path) {
  return fs.existsSync(path) ? fs.readFileSync(path, 'utf8') : undefined;
}

function readJson(name) {
  return JSON.parse(fs.readFileSync(join(root, name), 'utf8'));
}

function say(message) {
  process.stderr.write(`carillon: ${message}\n`);
}
