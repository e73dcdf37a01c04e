// npm run bench -- [--quick] [--only drain,…] [--rounds N] [--runs N] [--json FILE] [--min FIGURE=R] [--max FIGURE=R]: how
// does Carillon stand beside its peers, on one PostgreSQL, in one run? Exits with 1 if a limit is missed; where bounds are
// given for some figures, such as the ratio to the fastest peer, which means something on a busy machine, too, they decide.
import { writeFile } from 'node:fs/promises';
import { availableParallelism, loadavg } from 'node:os';
import { figureTable, isKept, jsonRows, spreadOf, type Figure } from './figures.js';
import { parseBenchOptions, type BenchOptions } from './options.js';
import { api } from './parts/api.js';
import { bulk } from './parts/bulk.js';
import { claimCost } from './parts/claim-cost.js';
import { drain } from './parts/drain.js';
import { dueTimes } from './parts/due-times.js';
import { enqueue } from './parts/enqueue.js';
import { fairness } from './parts/fairness.js';
import { fires } from './parts/fires.js';
import { growth } from './parts/growth.js';
import { history } from './parts/history.js';
import { idle } from './parts/idle.js';
import { lateness } from './parts/lateness.js';
import { locks } from './parts/locks.js';
import { memory } from './parts/memory.js';
import { outage } from './parts/outage.js';
import type { Part } from './parts/part.js';
import { startLatency } from './parts/start-latency.js';
import { lone, trickle } from './parts/trickle.js';
import { planner } from './planner/planner.js';
import { openServer } from './stand/server.js';

const PARTS = {
  drain,
  enqueue,
  bulk,
  startLatency,
  trickle,
  lone,
  fires,
  lateness,
  outage,
  dueTimes,
  planner,
  claimCost,
  locks,
  idle,
  memory,
  api,
  history,
  growth,
  fairness,
} as const satisfies Record<string, Part>;
type PartName = keyof typeof PARTS;
const NAMES = Object.keys(PARTS) as PartName[]; // its own keys, as the type says
const QUICK: readonly PartName[] = ['drain', 'startLatency', 'idle'];
const MINUTES_MAX = { quick: 10, full: 180 };

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));

const asked = askedFor();
const minutesMax = asked.isQuick ? MINUTES_MAX.quick : MINUTES_MAX.full;
setTimeout(() => {
  console.error(`expected to be done after ${minutesMax} minutes, got something that hangs`);
  process.exit(2);
}, minutesMax * 60_000).unref();

const figures = await measure(asked);
console.log(['', ...figureTable(figures), ''].join('\n'));
if (asked.json !== null) await writeFile(asked.json, `${JSON.stringify(jsonRows(figures), null, 2)}\n`);
process.exitCode = passes(asked, figures) ? 0 : 1;

function askedFor(): BenchOptions<PartName> {
  try {
    return parseBenchOptions(process.argv.slice(2), { known: NAMES, quick: QUICK });
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exit(2);
  }
}

async function measure({ parts, isQuick, rounds, runs }: BenchOptions<PartName>): Promise<Figure[]> {
  const server = await openServer(process.env['DATABASE_URL']);
  const tell = (line: string): void => console.log(line);
  tell(
    `PostgreSQL ${server.version}, ${server.describe}; ${availableParallelism()} processors, load ${loadavg()[0]?.toFixed(1)}`,
  );
  const found: Figure[] = [];
  try {
    for (const part of parts)
      found.push(...(await PARTS[part]({ server, scale: { isQuick, rounds, runs }, tell })));
  } finally {
    await server.close();
  }
  return found;
}

function passes({ bounds }: BenchOptions<PartName>, figures: readonly Figure[]): boolean {
  const missed = bounds.flatMap((bound) => {
    const got = spreadOf(figures.find(({ name }) => name === bound.figure)?.values ?? []).median;
    const isMet = bound.kind === 'min' ? got >= bound.value : got <= bound.value;
    return isMet
      ? []
      : [
          `expected ${bound.figure} to be at ${bound.kind === 'min' ? 'least' : 'most'} ${bound.value}, got ${got.toFixed(2)}`,
        ];
  });
  for (const line of missed) console.error(line);
  return bounds.length === 0 ? figures.every(isKept) : missed.length === 0;
}
