// npm run bench:fairness -- [--only noisyNeighbour,…] [--quick] [--json FILE]: does one tenant's work leave the others
// alone, do limits hold, and what do they cost? Exits with 1 if a promise is not kept. --quick makes the crowd of schedules
// smaller and looks at it for a shorter while.
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { textTable } from '../chaos/text-table.js';
import { withFairnessBed } from './fairness/bed.js';
import type { Figure } from './fairness/part.js';
import { PARTS } from './fairness/parts.js';

const { values: asked } = parseArgs({
  options: {
    only: { type: 'string' },
    quick: { type: 'boolean', default: false },
    json: { type: 'string' },
  },
});
const names = asked.only?.split(',') ?? Object.keys(PARTS);
const unknown = names.find((name) => !(name in PARTS));
if (unknown !== undefined)
  throw new Error(`expected --only to name parts of ${Object.keys(PARTS).join(', ')}, got ${unknown}`);
// In their own order: the last one leaves work behind.
const parts = Object.entries(PARTS).flatMap(([name, part]) => (names.includes(name) ? [part] : []));
const MINUTES_MAX = 15;

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));
setTimeout(() => {
  console.error(`expected to be done after ${MINUTES_MAX} minutes, got something that hangs`);
  process.exit(2);
}, MINUTES_MAX * 60_000).unref();

const figures = await withFairnessBed(
  async (bed) => {
    const all: Figure[] = [];
    for (const part of parts) all.push(...(await part(bed)));
    return all;
  },
  { isQuick: asked.quick },
);
const isKept = ({ value, limit }: Figure): boolean => value <= limit;
const show = (value: number): string => (Number.isFinite(value) ? String(Math.round(value * 10) / 10) : '-');
console.log(
  textTable(
    ['fairness and limits', 'value', 'limit', 'unit', 'kept'],
    figures.map((figure) => [
      figure.what,
      show(figure.value),
      show(figure.limit),
      figure.unit,
      isKept(figure) ? 'yes' : 'NO',
    ]),
  ).join('\n'),
);
if (asked.json !== undefined) {
  const rows = figures.map(({ name, value, unit, limit }) => ({
    name,
    value,
    unit,
    limit,
    ok: value <= limit,
  }));
  await writeFile(asked.json, `${JSON.stringify(rows, null, 2)}\n`);
}
process.exitCode = figures.every(isKept) ? 0 : 1;
