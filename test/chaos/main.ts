// npm run chaos -- --seed S --minutes M: real replicas, a nemesis, and a verdict. Exits with 1 if anything that was
// promised did not hold, and prints each as a sentence; the seed that it prints first draws the same faults again.
import { writeFile } from 'node:fs/promises';
import { budgetTable } from './budget.js';
import { runChaos } from './chaos.js';
import { ALL_FAULTS } from './nemesis.js';
import { parseChaosArguments } from './options.js';

/** Starting, healing, and the last repairs; then something hangs. */
const EXTRA_MINUTES_MAX = 6;
/** To make and to audit so many schedules. */
const SCHEDULES_PER_EXTRA_MINUTE = 1_000;

const {
  seed,
  minutes,
  replicas,
  bed,
  schedules,
  only,
  pauseSeconds,
  evidence: evidenceFile,
} = parseChaosArguments(process.argv.slice(2));
const faults = only.length === 0 ? ALL_FAULTS : ALL_FAULTS.filter(({ name }) => only.includes(name));
if (faults.length === 0)
  throw new Error(
    `expected faults among ${ALL_FAULTS.map(({ name }) => name).join(', ')}, got ${only.join(', ')}`,
  );

const startedAtMs = Date.now();
const log = (line: string): void =>
  console.log(
    `${new Date().toISOString().slice(11, 23)} ${((Date.now() - startedAtMs) / 1_000).toFixed(1).padStart(7)} s  ${line}`,
  );
// What has been started is ended by listeners of 'exit', so every way out must be one.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(130));
const minutesMax = minutes + EXTRA_MINUTES_MAX + schedules / SCHEDULES_PER_EXTRA_MINUTE;
setTimeout(() => {
  console.error(`expected to be done after ${minutesMax} minutes, got something that hangs`);
  process.exit(2);
}, minutesMax * 60_000).unref();

console.log(`chaos: seed ${seed}, ${minutes} minutes, ${replicas} replicas, bed ${bed.name}`);
const { violations, evidence } = await runChaos({
  seed,
  minutes,
  replicas,
  bed,
  schedules,
  faults,
  ...(pauseSeconds === null ? {} : { pauseMs: pauseSeconds * 1_000 }),
  log,
});
console.log(['', ...budgetTable(evidence), ''].join('\n'));
if (evidenceFile !== null) await writeFile(evidenceFile, JSON.stringify(evidence));
for (const violation of violations) console.log(`VIOLATION ${violation}`);
console.log(
  `${violations.length} violations; again with: npm run chaos -- ${process.argv.includes('--seed') ? '' : `--seed ${seed} `}${process.argv.slice(2).join(' ')}`,
);
process.exitCode = violations.length > 0 ? 1 : 0;
