// npm run bench:failover -- [--kills 30] [--json FILE] [--only leader-killed,…]: is the failure budget kept on this
// machine? Real replicas are struck again and again, and each line of the budget is printed with what was measured.
// Exits with 1 if a line is not kept.
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { percentile, textTable } from '../chaos/text-table.js';
import { contradictions, readAccount } from '../support/account.js';
import { calm, withBed, type Bed } from './failover/bed.js';
import {
  budgetLines,
  isKept,
  jsonRows,
  type BudgetLine,
  type Observations,
  type StrikeName,
} from './failover/budget-lines.js';
import * as strikes from './failover/strikes.js';

const { values: asked } = parseArgs({
  options: { kills: { type: 'string', default: '30' }, json: { type: 'string' }, only: { type: 'string' } },
});
const kills = Number(asked.kills);
if (!(kills >= 1 && kills <= 1_000)) throw new Error(`expected --kills from 1 to 1000, got ${asked.kills}`);

/** Of kinds that take longer or vary less, fewer are enough. */
const some = Math.max(1, Math.round(kills / 3));
const few = Math.max(1, Math.round(kills / 10));
const program: Record<StrikeName, { times: number; strike: (bed: Bed) => Promise<strikes.Observed> }> = {
  'leader-killed': { times: kills, strike: strikes.killLeader },
  'replica-killed': { times: kills, strike: strikes.killOwner },
  'leader-frozen': { times: Math.max(1, Math.round(some / 2)), strike: strikes.freezeLeader },
  'owner-frozen': { times: Math.max(1, Math.round(some / 2)), strike: strikes.freezeOwner },
  'control-session-ended': { times: some, strike: strikes.endControlSession },
  'rolling-restart': { times: few, strike: strikes.restartAll },
  'postgres-restart': { times: some, strike: (bed) => strikes.restartDatabase(bed, { downMs: 0 }) },
  'postgres-away': { times: few, strike: (bed) => strikes.restartDatabase(bed, { downMs: 8_000 }) },
  'event-loop-block': { times: few, strike: strikes.blockEventLoop },
};
const NAMES = Object.keys(program) as StrikeName[]; // its own keys, as the type says
const chosen =
  asked.only === undefined ? NAMES : NAMES.filter((name) => asked.only?.split(',').includes(name));

/** A strike takes ten seconds or so, half a minute at worst. */
const MINUTES_MAX =
  5 + Math.ceil((chosen.reduce((sum, name) => sum + program[name].times, 0) * 60_000) / 60_000);
/** What was due later than this before the end may be on its way. */
const UNDERWAY_MS = 5_000;

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));
setTimeout(() => {
  console.error(`expected to be done after ${MINUTES_MAX} minutes, got something that hangs`);
  process.exit(2);
}, MINUTES_MAX * 60_000).unref();

const { seen, broken } = await withBed(async (bed) => ({
  seen: await strikeAll(bed),
  broken: await brokenPromises(bed),
}));
const lines = budgetLines(seen);
console.log(['', ...describe(lines), ''].join('\n'));
for (const sentence of broken) console.log(`VIOLATION ${sentence}`);
if (asked.json !== undefined) await writeFile(asked.json, `${JSON.stringify(jsonRows(lines), null, 2)}\n`);
process.exitCode = broken.length === 0 && lines.every(isKept) ? 0 : 1;

async function strikeAll(bed: Bed): Promise<Observations> {
  const found = Object.fromEntries(NAMES.map((name) => [name, [] as strikes.Observed[]])) as Record<
    StrikeName,
    strikes.Observed[]
  >;
  for (const name of chosen) {
    const { times, strike } = program[name];
    for (let time = 1; time <= times; time += 1) {
      await calm(bed);
      const observed = await strike(bed);
      found[name].push(observed);
      const told = Object.entries(observed.times).map(
        ([what, ms]) => `${what} ${ms === undefined ? 'never' : `${Math.round(ms)} ms`}`,
      );
      console.log(
        `${name} ${time}/${times}: ${[...told, `latest start ${Math.round(Math.max(0, ...observed.latenessMs))} ms`].join(', ')}`,
      );
    }
  }
  return found;
}

/** Over all of it: no due time lost or doubled, and every run that was fired has succeeded. */
async function brokenPromises(bed: Bed): Promise<string[]> {
  await calm(bed);
  const account = await readAccount(bed.databaseUrl, bed.cluster.sideLog);
  const settledBefore = new Date(Date.now() - UNDERWAY_MS);
  return contradictions({ ...account, ledger: account.ledger.filter(({ dueAt }) => dueAt < settledBefore) });
}

function describe(all: readonly BudgetLine[]): string[] {
  const show = (value: number): string => (Number.isFinite(value) ? String(Math.round(value)) : 'never');
  return textTable(
    ['failure budget', 'n', 'p50', 'p95', 'p99', 'max', 'limit', 'unit', 'kept'],
    all.map((line) => {
      const { what, values, limit, unit } = line;
      const shares = [0.5, 0.95, 0.99, 1].map((share) => show(percentile(values, share)));
      return [what, String(values.length), ...shares, String(limit), unit, isKept(line) ? 'yes' : 'NO'];
    }),
  );
}
