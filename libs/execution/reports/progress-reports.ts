// How does an attempt report while it runs? Through a log, its progress and its heartbeats. All three end with the
// attempt: later calls of a stopped handler are ignored.
import type { JobContext } from '#client/jobs/job-definition.js';
import type { Membership } from '#cluster/membership/membership.js';
import type { DatabaseClock } from '#cluster/membership/database-clock.js';
import type { ClaimedRun } from '#execution/runs/claimed-run.js';
import type { ProgressNotes } from './progress-notes.js';
import type { ProgressNote } from './progress.repository.js';
import { showText } from './run-log-line.js';
import type { RunLog } from './run-log.js';
import { encodeJson } from '#execution/runs/stored-json.js';

const DETAILS_BYTES_MAX = 64 * 1024;
const MESSAGE_LENGTH_MAX = 1_000;

export interface OpenReports extends Pick<JobContext, 'log' | 'progress' | 'heartbeat'> {
  /** The note that has not been written yet, for a caller that writes it before the attempt ends. */
  last(): ProgressNote | null;
  /** Ends the reports and returns the note that has not been written yet. */
  end(): ProgressNote | null;
}

export interface ReportParts {
  membership: Membership;
  databaseClock: DatabaseClock;
  log: RunLog;
  notes: ProgressNotes;
}

/** Calls `beat` with each sign of life. */
export function beginReports(parts: ReportParts, run: ClaimedRun, beat: () => void): OpenReports {
  const { membership, databaseClock, notes } = parts;
  const { id: runId, attempt } = run;
  const now = (): Date => databaseClock.now();
  const { log, end: endLog } = parts.log.begin(run, {
    replica: membership.incarnation?.replica ?? null,
    now,
  });
  let isOver = false;
  let hasNoted = false;
  const note = (said: Partial<ProgressNote>): void => {
    hasNoted = true;
    notes.note({ runId, attempt, ...said });
  };
  return {
    log,
    progress: (fraction, message) => {
      if (isOver) return;
      beat();
      note({ progressJson: progressJson({ fraction, message, attempt, at: now() }) });
    },
    heartbeat: (details) => {
      if (isOver) return;
      beat();
      if (details !== undefined) note({ detailsJson: detailsJson(details) });
    },
    last: () => (hasNoted ? notes.last(runId) : null),
    end: () => {
      isOver = true;
      endLog();
      return hasNoted ? notes.takeLast(runId) : null;
    },
  };
}

function progressJson(given: { fraction: unknown; message: unknown; attempt: number; at: Date }): string {
  const { fraction, message, attempt, at } = given;
  const number = typeof fraction === 'number' && !Number.isNaN(fraction) ? fraction : 0;
  const text = message === undefined ? null : showText(message).slice(0, MESSAGE_LENGTH_MAX);
  return JSON.stringify({
    fraction: Math.min(1, Math.max(0, number)),
    message: text?.toWellFormed() ?? null,
    attempt,
    at,
  });
}

function detailsJson(details: unknown): string {
  const encoded = encodeJson(details);
  if (encoded.kind === 'unfit') throw new TypeError(`heartbeat details: ${encoded.reason}`);
  const bytes = Buffer.byteLength(encoded.json);
  if (bytes <= DETAILS_BYTES_MAX) return encoded.json;
  throw new TypeError(`heartbeat details: expected at most ${DETAILS_BYTES_MAX} bytes of JSON, got ${bytes}`);
}
