// How much may a run write into its log? Enough to explain itself, and so little that a handler in an endless loop does
// no harm. Later lines are dropped, and one line says so.

export const LINE_BYTES_MAX = 8 * 1024;
const RUN_LINES_MAX = 1_000;
const RUN_BYTES_MAX = 1024 * 1024;

/** The lines and bytes in a run's log already. */
export interface LogTally {
  readonly lines: number;
  readonly bytes: number;
  /** The line that says that the log is full has been written. */
  readonly isFull: boolean;
}

export const EMPTY_LOG: LogTally = { lines: 0, bytes: 0, isFull: false };

export type Admission = 'kept' | 'last' | 'dropped';

/** `last`: replace this line by the one that says that the log is full. */
export function admitLine(tally: LogTally, bytes: number): { admission: Admission; tally: LogTally } {
  if (tally.isFull) return { admission: 'dropped', tally };
  const next = { lines: tally.lines + 1, bytes: tally.bytes + bytes, isFull: false };
  if (next.lines <= RUN_LINES_MAX && next.bytes <= RUN_BYTES_MAX) return { admission: 'kept', tally: next };
  return { admission: 'last', tally: { ...tally, isFull: true } };
}

export const LOG_FULL = `the log of this run is full: expected at most ${RUN_LINES_MAX} lines and ${RUN_BYTES_MAX} bytes; what comes after this line is dropped`;
