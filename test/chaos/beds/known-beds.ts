// Which beds are there to choose from?
import type { Bed } from './bed.js';
import { crowded } from './crowded.js';
import { direct } from './direct.js';
import { hostile } from './hostile.js';
import { heartbeats } from './heartbeats.js';
import { pgbouncer } from './pgbouncer.js';

const BEDS: readonly Bed[] = [direct, pgbouncer, heartbeats, hostile, crowded];

/** Throws when there is no such bed. */
export function bedNamed(name: string): Bed {
  const bed = BEDS.find((each) => each.name === name);
  if (bed === undefined)
    throw new Error(`expected a bed of ${BEDS.map((each) => each.name).join(', ')}, got ${name}`);
  return bed;
}
