// What was asked for on the command line?
import { parseArgs } from 'node:util';
import type { Bed } from './beds/bed.js';
import { bedNamed } from './beds/known-beds.js';

export interface ChaosArguments {
  readonly seed: number;
  readonly minutes: number;
  readonly replicas: number;
  readonly bed: Bed;
  /** How many schedules of many kinds there are beside the usual work, which are edited all the time, and audited. */
  readonly schedules: number;
  /** Only these kinds of fault; all if empty. */
  readonly only: readonly string[];
  /** Between two faults in seconds; null to draw each pause. */
  readonly pauseSeconds: number | null;
  /** Where to write all that the checker has looked at. */
  readonly evidence: string | null;
}

const USAGE =
  'npm run chaos -- [--seed S] [--minutes M] [--replicas N] [--bed direct|pgbouncer|heartbeats|hostile|crowded] [--schedules N] [--only FAULT[,FAULT…]] [--pause SECONDS] [--evidence FILE]';
const REPLICAS = { min: 2, max: 9 };
const SCHEDULES = { min: 0, max: 20_000 };
const PAUSE = { min: 0, max: 3_600 };
const MINUTES_MAX = 24 * 60;

/** Throws with the usage. A seed that was not given is drawn. */
export function parseChaosArguments(args: readonly string[]): ChaosArguments {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: 'string' },
      minutes: { type: 'string', default: '3' },
      replicas: { type: 'string', default: '3' },
      bed: { type: 'string', default: 'direct' },
      schedules: { type: 'string', default: '0' },
      only: { type: 'string', default: '' },
      pause: { type: 'string' },
      evidence: { type: 'string' },
    },
  });
  return {
    seed: numberOf('--seed', values.seed ?? String(Math.floor(Math.random() * 1_000_000)), {
      min: 0,
      max: 2 ** 31,
    }),
    minutes: numberOf('--minutes', values.minutes, { min: 0.1, max: MINUTES_MAX }),
    replicas: numberOf('--replicas', values.replicas, REPLICAS),
    bed: bedNamed(values.bed),
    schedules: numberOf('--schedules', values.schedules, SCHEDULES),
    only: values.only.split(',').filter((name) => name !== ''),
    pauseSeconds: values.pause === undefined ? null : numberOf('--pause', values.pause, PAUSE),
    evidence: values.evidence ?? null,
  };
}

function numberOf(name: string, text: string, { min, max }: { min: number; max: number }): number {
  const value = Number(text);
  if (text === '' || !(value >= min && value <= max))
    throw new Error(`expected ${name} from ${min} to ${max}, got ${JSON.stringify(text)}\n${USAGE}`);
  return value;
}
