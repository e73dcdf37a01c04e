// npm run chaos:controls -- [--only NAME[,NAME…]]: can the checker see what it is there for? Breaks one fence after the
// other, plays the moment that the fence is for, and prints which violation was found. Each moment is also played with
// the product as it is, where that violation must not be found. Exits with 1 if either is otherwise.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { violations } from '../checker.js';
import { DatabaseServer } from '../database-server.js';
import { withHarness } from '../harness.js';
import { textTable } from '../text-table.js';
import type { Control } from './control.js';
import { CONTROLS } from './controls.js';
import { patchedProduct } from './patched-product.js';

const REPLICAS = 3;
const MINUTES_MAX = 30;
const SHOWN_LENGTH = 110;

const { values } = parseArgs({ options: { only: { type: 'string' } } });
const controls =
  values.only === undefined
    ? CONTROLS
    : CONTROLS.filter(({ name }) => values.only?.split(',').includes(name));
if (controls.length === 0)
  throw new Error(
    `expected controls among ${CONTROLS.map(({ name }) => name).join(', ')}, got ${values.only}`,
  );

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));
setTimeout(() => {
  console.error(`expected to be done after ${MINUTES_MAX} minutes, got something that hangs`);
  process.exit(2);
}, MINUTES_MAX * 60_000).unref();

const server = await DatabaseServer.start();
/** What the product as it is does in each plot. */
const sound = new Map<Control['plot'], readonly string[]>();
const rows: string[][] = [];
let failures = 0;
try {
  for (const [index, control] of controls.entries()) {
    console.log(`${index + 1}/${controls.length} ${control.name}`);
    if (!sound.has(control.plot))
      sound.set(control.plot, await play(control, { database: `sound_${index}` }));
    const falseAlarm = sound.get(control.plot)?.find((sentence) => control.caughtBy.test(sentence));
    const caught = await playPatched(control, index);
    if (caught === undefined || falseAlarm !== undefined) failures += 1;
    rows.push([
      control.name,
      falseAlarm === undefined ? 'no' : 'YES',
      caught === undefined ? 'NOT CAUGHT' : caught.slice(0, SHOWN_LENGTH),
    ]);
  }
} finally {
  await server.remove();
}
console.log(['', ...textTable(['control', 'also in the product', 'caught by'], rows), ''].join('\n'));
for (const [plot, sentences] of sound)
  for (const sentence of sentences) console.log(`with the product as it is, ${plot.name}: ${sentence}`);
console.log(`${rows.length - failures} of ${rows.length} controls are caught`);
process.exitCode = failures === 0 ? 0 : 1;

async function playPatched(control: Control, index: number): Promise<string | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'carillon-control-'));
  try {
    const found = await play(control, {
      database: `broken_${index}`,
      program: await patchedProduct(folder, control.patches),
    });
    const caught = found.find((sentence) => control.caughtBy.test(sentence));
    if (caught === undefined) for (const sentence of found) console.log(`    found instead: ${sentence}`);
    return caught;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** With a program, the broken one. */
async function play(
  control: Control,
  { database, program }: { database: string; program?: string },
): Promise<string[]> {
  const options = { database, replicas: REPLICAS, seed: 1, ...(program === undefined ? {} : { program }) };
  return withHarness(server, options, async (harness) => {
    if (program !== undefined && control.sabotage !== undefined) await harness.witness.ask(control.sabotage);
    return violations(await harness.lookBack(await control.plot(harness)));
  });
}
