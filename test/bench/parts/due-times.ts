// How long does it take to find when a schedule is due next? In processor time, over a thousand schedules as people write
// them, in twenty zones. Each question is about another instant: near the present, as the planner asks, and anywhere in a
// year, where the changes of the zones are asked of Intl first.
import { nextCronTime, type CronSpec } from '#scheduling/decisions/cron-times.js';
import { show, type Figure } from '../figures.js';
import type { Part } from './part.js';

const SCHEDULES = 1_000;
const QUESTIONS_EACH = 20;
const US_MAX = 10;
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** Primes, so that the instants of the questions are spread. */
const [DAY_STEP, ROUND_STEP] = [977, 104_729];

const ZONES =
  'UTC Europe/Berlin America/New_York Asia/Tokyo Europe/London America/Los_Angeles Asia/Kolkata Australia/Sydney America/Sao_Paulo Europe/Paris Asia/Shanghai Australia/Lord_Howe Africa/Cairo America/Chicago Europe/Madrid Asia/Singapore America/Nuuk Europe/Kyiv Pacific/Auckland America/Toronto'.split(
    ' ',
  );

export const dueTimes: Part = async ({ scale, tell }) => {
  const specs = Array.from({ length: SCHEDULES }, (_, number) => specOf(number));
  const fromMs = Date.now();
  const near: number[] = [];
  const far: number[] = [];
  for (let round = 1; round <= scale.rounds; round += 1) {
    near.push(usEach(specs, (number, ask) => fromMs + (round * QUESTIONS_EACH + ask) * MINUTE_MS + number));
    far.push(
      usEach(specs, (number, ask) => {
        const day = (number * DAY_STEP + (round * QUESTIONS_EACH + ask) * ROUND_STEP) % 365;
        return fromMs + day * DAY_MS + ask * MINUTE_MS + number;
      }),
    );
    tell(
      `due times ${round}/${scale.rounds}: ${[near, far].map((values) => show(values.at(-1) ?? 0)).join(', ')} us`,
    );
  }
  return [
    figureOf({ name: 'due-time-near-us', what: 'due times: the next one, near the present', values: near }),
    figureOf({ name: 'due-time-far-us', what: 'due times: the next one, anywhere in a year', values: far }),
  ];
};

function figureOf(found: { name: string; what: string; values: number[] }): Figure {
  return { ...found, unit: 'us', limit: { atMost: US_MAX } };
}

/** Half of them daily, the others of each minute, hourly, monthly and with rarer rules. */
function specOf(number: number): CronSpec {
  const minute = number % 60;
  const hour = (number * 7) % 24;
  const day = (number % 28) + 1;
  const expressions = [
    `${minute} ${hour} * * *`,
    `${minute} ${hour} * * *`,
    `${minute} ${hour},${(hour + 12) % 24} * * *`,
    `${minute} ${hour} * * 1-5`,
    `${minute} 8-18/2 * * MON-FRI`,
    `*/${[5, 10, 15, 30][number % 4]} * * * *`,
    '* * * * *',
    `${minute} * * * *`,
    `${minute} ${hour} ${day} * *`,
    `${minute} ${hour} ${['L * *', '15W * *', '* * FRI#2', '1 1 *'][Math.floor(number / 10) % 4]}`,
  ];
  return { expression: expressions[number % 10] ?? '', timeZone: ZONES[(number * 13) % ZONES.length] ?? '' };
}

/** Microseconds of processor time for each answer. */
function usEach(specs: readonly CronSpec[], askedMs: (number: number, ask: number) => number): number {
  const before = process.cpuUsage();
  let answers = 0;
  for (let ask = 0; ask < QUESTIONS_EACH; ask += 1)
    for (const [number, spec] of specs.entries())
      if (nextCronTime(spec, new Date(askedMs(number, ask))) !== null) answers += 1;
  const { user, system } = process.cpuUsage(before);
  if (answers !== specs.length * QUESTIONS_EACH)
    throw new Error(`expected each schedule to be due again, got ${answers} answers`);
  return (user + system) / answers;
}
