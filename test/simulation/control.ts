// What is a negative control? A protocol that is broken on purpose, where to look for what comes of it, and the invariant
// that must tell of it.
import type { AccidentName } from './accidents.js';
import type { BrokenProtocol } from './broken-protocols.js';
import type { Focus } from './accident-plan.js';

export interface Control {
  broken: BrokenProtocol;
  shows: string;
  focus?: Focus;
  /** What the same breach shows as well, and sooner. */
  overlooked?: string[];
  /** The first seed that showed it when this was written: played first, so that the others need not be before it. */
  near?: number;
}

export const LONG_SLEEP = 'a process sleeps for long';

export const around = (statement: string, ...beside: AccidentName[]): Focus => ({ statement, beside });
