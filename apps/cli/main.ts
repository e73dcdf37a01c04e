// The command line. Runs on the Node that bootstrap.mjs found, with everything installed and built. `up` stays apart:
// it reads its own words, and Ctrl-C is its way to stop everything in order.
import { carillon } from './carillon.js';
import { failureOf } from './output/problems.js';
import { worldOfProcess } from './world.js';

async function main([command, ...args]: string[]): Promise<number> {
  if (command === 'up') return runUp(args);
  return carillon(command === undefined ? [] : [command, ...args], worldOfProcess());
}

async function runUp(args: string[]): Promise<number> {
  const { runUpCommand } = await import('./up/up-command.js');
  return runUpCommand(args).catch((error: unknown) => {
    const { text, exitCode } = failureOf(error);
    process.stderr.write(`carillon: ${text}\n`);
    return exitCode;
  });
}

const exitCode = await main(process.argv.slice(2));
// A slow reader of a pipe has only the first 64 KB by now.
for (const stream of [process.stdout, process.stderr]) {
  const { promise, resolve } = Promise.withResolvers<void>();
  stream.write('', () => resolve());
  await promise;
}
// Not left to the event loop to run dry: a keep-alive socket may hold it for seconds.
process.exit(exitCode);
