// Do the protocols of election.pml, claim.pml, takein.pml, resume.pml and lock.pml hold, and does each broken variant fail?
// For every variant this runs spin, compiles the verifier, and lets it visit every reachable state: a verdict
// 'holds' counts only from a search that was exhaustive, so hashed or partial searches are not used and a search
// that ran out of memory, depth or time is 'unfinished'. Prints a table; exits with 1 on any other verdict than
// the expected one. `node test/model/check.mjs claim` checks one model.
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { variants } from './variants.mjs';

const MEMORY_MB_MAX = 2_000;
/** Guards against hanging, on a machine ten times slower than ours too; the longest search takes 100 s here. */
const SEARCH_MS_MAX = 1_200_000;
const SEARCH_DEPTH = 200_000;
/** Verifiers that run at the same time. */
const LANES = 2;
/** log2 of the first size of the table of states; it grows by itself. */
const TABLE_BITS = 22;

const COLUMNS = { model: -8, variant: -50, expected: -8, got: -10, states: 10, seconds: 7 };

/** Something the person at the terminal can act on: printed without a stack. */
class Failure extends Error {}

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stop.abort());

try {
  process.exitCode = (await checkAll(chosenVariants(process.argv.slice(2)))) ? 0 : 1;
} catch (error) {
  if (!(error instanceof Failure) && !stop.signal.aborted) throw error;
  console.error(stop.signal.aborted ? 'stopped' : error.message);
  process.exitCode = 1;
}

function chosenVariants(models) {
  const unknown = models.filter((model) => !variants.some((variant) => variant.model === model));
  const known = [...new Set(variants.map((variant) => variant.model))].join(', ');
  if (unknown.length > 0) throw new Failure(`expected models out of ${known}, got ${unknown.join(', ')}`);
  return models.length === 0 ? variants : variants.filter((variant) => models.includes(variant.model));
}

async function checkAll(chosen) {
  for (const tool of ['spin', 'gcc']) await requireTool(tool);
  printRow(Object.fromEntries(Object.keys(COLUMNS).map((column) => [column, column])));
  const startedAtMs = performance.now();
  const results = startSome(chosen);
  const different = [];
  for (const [index, variant] of chosen.entries()) {
    const result = await results[index];
    const { model, name, expected } = variant;
    printRow({
      model,
      variant: name,
      expected,
      got: result.verdict,
      states: result.states,
      seconds: result.seconds,
    });
    if (result.verdict !== expected) different.push({ variant, result });
  }
  const total = `${chosen.length} variants in ${secondsSince(startedAtMs)} s`;
  console.log(
    different.length === 0
      ? `\n${total}, all as expected`
      : `\n${total}, ${different.length} not as expected`,
  );
  for (const { variant, result } of different) explain(variant, result);
  return different.length === 0;
}

/** Checks a few at a time; the promises are in the order of the variants, and none of them is left unheard. */
function startSome(chosen) {
  const lanes = Array.from({ length: LANES }, () => Promise.resolve());
  return chosen.map((variant, index) => {
    const result = lanes[index % LANES].then(() => check(variant));
    lanes[index % LANES] = result;
    result.catch(() => undefined);
    return result;
  });
}

async function requireTool(tool) {
  try {
    await run(tool, [tool === 'spin' ? '-V' : '--version']);
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
    throw new Failure(
      `${tool} is not installed. The models are checked with spin 6.5 and a C compiler:\n` +
        '  Debian, Ubuntu:  sudo apt-get update && sudo apt-get install -y spin gcc\n' +
        '  macOS:           brew install spin, and xcode-select --install',
    );
  }
}

/** Each variant has a folder of its own, since spin and its verifier write where they run. */
async function check({ model, flags, expected }) {
  const startedAtMs = performance.now();
  const folder = await mkdtemp(join(tmpdir(), 'carillon-model-'));
  try {
    await runOrFail('spin', ['-a', ...defines(flags), fileOf(model)], folder);
    // What is expected to fail does so within a moment, less than the compiler would take to make it fast.
    const effort = expected === 'holds' ? '-O2' : '-O0';
    await runOrFail(
      'gcc',
      [effort, '-w', '-DSAFETY', `-DMEMLIM=${MEMORY_MB_MAX}`, '-o', 'pan', 'pan.c'],
      folder,
    );
    // -E: that everybody waits, say because nothing more may happen within the bounds, is no error.
    const search = await run('./pan', ['-E', `-m${SEARCH_DEPTH}`, `-w${TABLE_BITS}`], {
      cwd: folder,
      timeout: SEARCH_MS_MAX,
    });
    return { ...verdictOf(search), seconds: secondsSince(startedAtMs) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function verdictOf({ output, killed }) {
  const states = Number(/^\s*(\S+) states, stored/m.exec(output)?.[1] ?? 0);
  const errors = Number(/errors: (\d+)/.exec(output)?.[1] ?? Number.NaN);
  if (/assertion violated/.test(output) && errors > 0) return { verdict: 'violated', states, output };
  const cutShort =
    killed || /max search depth too small|Search not completed|out of memory|MEMLIM/i.test(output);
  return { verdict: errors === 0 && !cutShort ? 'holds' : 'unfinished', states, output };
}

function explain({ model, name, flags, expected }, { verdict, output }) {
  console.log(`\n${model}, ${name}: expected '${expected}', got '${verdict}'`);
  if (verdict !== 'violated') return console.log(output.trim());
  console.log('The steps that lead there, in a folder of your own:');
  console.log(`  spin -a ${defines(flags).join(' ')} ${fileOf(model)}`);
  console.log(`  gcc -O2 -w -DSAFETY -DREACH -o pan pan.c && ./pan -E -i -m5000`);
  console.log(`  spin -k ${model}.pml.trail -p -g ${defines(flags).join(' ')} ${fileOf(model)}`);
}

async function runOrFail(command, parameters, cwd) {
  const { code, output } = await run(command, parameters, { cwd });
  // spin reports some errors on its output alone.
  if (code !== 0 || /^spin: .*Error/m.test(output))
    throw new Failure(`${command} ${parameters.join(' ')} failed:\n${output.trim()}`);
}

/** Resolves with what the command said, however it ended; rejects when it could not be started, or when we are stopped. */
async function run(command, parameters, options = {}) {
  const child = spawn(command, parameters, {
    ...options,
    stdio: ['ignore', 'pipe', 'pipe'],
    signal: stop.signal,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text) => (output += text));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output, killed: child.killed }));
  });
}

function defines(flags) {
  return flags.map((flag) => `-D${flag}`);
}

function fileOf(model) {
  return join(import.meta.dirname, `${model}.pml`);
}

function secondsSince(startedAtMs) {
  return ((performance.now() - startedAtMs) / 1_000).toFixed(1);
}

function printRow(row) {
  const cells = Object.entries(COLUMNS).map(([column, width]) => {
    const text = String(row[column]);
    return width < 0 ? text.padEnd(-width) : text.padStart(width);
  });
  console.log(cells.join('  '));
}
