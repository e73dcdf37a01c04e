// npm run bench:bloat -- [--minutes M] [--only steady,snapshot] [--json FILE]: does the hot table stay small under a
// steady load, and does work go on while a session holds a snapshot open? Exits with 1 if a promise is not kept.
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { withBloatBed } from './bloat/bed.js';
import { holdSnapshot } from './bloat/held-snapshot.js';
import { observationCells, OBSERVATION_HEAD, type Observation } from './bloat/observation.js';
import { stayUnderLoad } from './bloat/steady-load.js';

const { values: asked } = parseArgs({
  options: { minutes: { type: 'string', default: '60' }, only: { type: 'string' }, json: { type: 'string' } },
});
const minutes = Number(asked.minutes);
if (!(minutes >= 1)) throw new Error(`expected --minutes to be a number from 1, got ${asked.minutes}`);
const PARTS = ['steady', 'snapshot'];
const parts = asked.only?.split(',') ?? PARTS;
const unknown = parts.find((part) => !PARTS.includes(part));
if (unknown !== undefined)
  throw new Error(`expected --only to name parts of ${PARTS.join(', ')}, got ${unknown}`);

const SNAPSHOT_SECONDS = 60;

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));

interface Figure {
  name: string;
  what: string;
  value: number;
  limit: number;
}

const startMs = performance.now();
const widths = OBSERVATION_HEAD.map((title) => Math.max(9, title.length));
const row = (cells: readonly string[]): string =>
  cells.map((cell, column) => cell.padStart(widths[column] ?? 0)).join(' ');
console.log(row(OBSERVATION_HEAD));
const tell = (phase: string, seen: Observation): void =>
  console.log(row(observationCells(phase, (performance.now() - startMs) / 60_000, seen)));

const figures = await withBloatBed(async (bed) => {
  const all: Figure[] = [];
  if (parts.includes('snapshot')) {
    const { quiet, worst } = await holdSnapshot(bed, { seconds: SNAPSHOT_SECONDS, tell });
    all.push({
      name: 'snapshot-slowdown',
      what: `times slower while a snapshot is held for ${SNAPSHOT_SECONDS} s (${worst.toFixed(0)}/s after ${quiet.toFixed(0)}/s)`,
      value: quiet / worst,
      limit: 2,
    });
  }
  if (parts.includes('steady')) all.push(...(await stayUnderLoad(bed, { minutes, tell })));
  return all;
});
for (const { what, value, limit } of figures)
  console.log(`${value <= limit ? 'kept' : 'NOT KEPT'}: ${what}: ${value.toFixed(2)} (limit ${limit})`);
if (asked.json !== undefined)
  await writeFile(
    asked.json,
    `${JSON.stringify(
      figures.map((figure) => ({ ...figure, ok: figure.value <= figure.limit })),
      null,
      2,
    )}\n`,
  );
process.exitCode = figures.every(({ value, limit }) => value <= limit) ? 0 : 1;
