// All due times of a spec, found by looking at each second.
import { BASE_MS, type RuleWish, type SpecWish } from './history.js';

const SECOND_MS = 1_000;
/** Later than any history ends. Requests may skip what is due later still. */
export const HORIZON_MS = BASE_MS + 800 * SECOND_MS;

export interface DueTime {
  atMs: number;
  /** Null while it is open; otherwise as the ledger has it. */
  fate: string | null;
  isPromised: boolean;
  isCaughtUp: boolean;
}

/** Those ahead, as a spec has them that is given now. */
export function listed({ rules, startIn, endIn, maxFires }: SpecWish, nowMs: number): DueTime[] {
  const sinceMs = Math.floor(nowMs / SECOND_MS) * SECOND_MS;
  // A list of instants bounds itself.
  const isList = rules.length === 1 && rules[0]?.kind === 'at';
  const startMs = isList || startIn === null ? sinceMs + 1_000 : sinceMs + startIn * SECOND_MS;
  const endMs = isList || endIn === null ? Infinity : sinceMs + endIn * SECOND_MS;
  let left = isList || maxFires === null ? Infinity : maxFires;
  const due: DueTime[] = [];
  for (let atMs = startMs; atMs <= Math.min(endMs, HORIZON_MS) && left > 0; atMs += SECOND_MS) {
    if (!rules.some((rule) => names(rule, { atMs, sinceMs }))) continue;
    left -= 1;
    if (atMs > nowMs) due.push({ atMs, fate: null, isPromised: false, isCaughtUp: false });
  }
  return due;
}

function names(rule: RuleWish, { atMs, sinceMs }: { atMs: number; sinceMs: number }): boolean {
  const second = (atMs - sinceMs) / SECOND_MS;
  switch (rule.kind) {
    case 'every':
      return second >= rule.phase && (second - rule.phase) % rule.seconds === 0;
    case 'cron':
      return new Date(atMs).getUTCSeconds() % rule.step === 0;
    case 'at':
      return rule.offsets.includes(second);
  }
}
