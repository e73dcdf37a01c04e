// Formats moments, durations and counts for people, in one way everywhere. Pure, so that each has a test.

/** Local wall-clock time with milliseconds: `14:02:05.013`. */
export function clockTime(at: Date): string {
  return `${secondOf(at)}.${String(at.getMilliseconds()).padStart(3, '0')}`;
}

/** Local wall-clock time without milliseconds. */
export function secondOf(at: Date): string {
  return [at.getHours(), at.getMinutes(), at.getSeconds()]
    .map((part) => String(part).padStart(2, '0'))
    .join(':');
}

/** `7 ms`, `1.2 s`, `3 min 4 s`, `2 h 5 min`. */
export function duration(ms: number): string {
  const whole = Math.max(0, Math.round(ms));
  if (whole < 1_000) return `${whole} ms`;
  if (whole < 10_000) return `${(Math.floor(whole / 100) / 10).toFixed(1)} s`;
  const seconds = Math.floor(whole / 1_000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** `1 run`, `2 runs`. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

/** `r1`, `r1 and r2`, `r1, r2 and r3`. */
export function list(words: readonly string[]): string {
  const last = words.at(-1) ?? '';
  return words.length < 2 ? last : `${words.slice(0, -1).join(', ')} and ${last}`;
}

/** At most `columns` characters, with a mark where something is left out. */
export function fit(text: string, columns: number): string {
  return text.length <= columns ? text : `${text.slice(0, Math.max(0, columns - 1))}…`;
}

export interface StatusFacts {
  readonly leader: string | null;
  readonly term: number;
  readonly living: number;
  readonly wanted: number;
  readonly runs: { readonly total: number; readonly lastMinute: number; readonly isCutShort: boolean } | null;
  readonly received: number | null;
  readonly upMs: number;
}

export function statusLine({ leader, term, living, wanted, runs, received, upMs }: StatusFacts): string {
  return [
    leader === null ? 'no replica leads' : `${leader} leads term ${term}`,
    `${living} of ${count(wanted, 'replica')}`,
    ...(runs === null
      ? []
      : [
          `${runs.isCutShort ? 'more than ' : ''}${count(runs.total, 'run')} finished, ${runs.lastMinute} in the last minute`,
        ]),
    ...(received === null ? [] : [`receiver got ${received}`]),
    `up ${duration(upMs)}`,
  ].join(' | ');
}
