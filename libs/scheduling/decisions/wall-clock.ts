// What does the wall clock of a time zone show, how far has it come, and when does it first show a given time? Wall
// times are written as if they were UTC, in milliseconds since 1970, so that a calendar without time zones can count in
// them. Twice a year the two drift apart: a gap leaves wall times out, a fold shows some twice. All answers come from
// Intl, the runtime's copy of the time zone database, which is asked once about each time span (calendar/zone-changes.ts),
// and never from a table of ours.
import { boundedMemo } from './bounded-memo.js';
import { zoneChanges, type ZoneChanges } from './calendar/zone-changes.js';

const SECOND_MS = 1_000;
const DAY_MS = 86_400_000;

/** Time zones known to the runtime, times two for spellings; a formatter takes tens of kilobytes. */
const ZONES_MAX = 1_000;

/** A name such as Europe/Berlin. Bare offsets (+02:00) are refused: PostgreSQL reads their sign the other way round. */
export function isTimeZone(timeZone: string): boolean {
  if (!/^[A-Za-z]/.test(timeZone)) return false;
  try {
    zone(timeZone);
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** The difference between wall time and UTC at an instant. */
export function offsetMs(timeZone: string, atMs: number): number {
  return zone(timeZone).offsetMs(atMs);
}

/**
 * The first instant at which the wall shows this time or a later one: of a time shown twice the first, of a
 * time left out the end of the gap. It never falls as the wall time grows.
 */
export function firstShownMs(timeZone: string, wallMs: number): number {
  // No zone is a day away from UTC, so one of these offsets is in force on either side of any change nearby.
  const offsets = [offsetMs(timeZone, wallMs - DAY_MS), offsetMs(timeZone, wallMs + DAY_MS)];
  const earlyMs = wallMs - Math.max(...offsets);
  const lateMs = wallMs - Math.min(...offsets);
  if (earlyMs + offsetMs(timeZone, earlyMs) === wallMs) return earlyMs;
  if (lateMs + offsetMs(timeZone, lateMs) === wallMs) return lateMs;
  return offsetChange(timeZone, { afterMs: earlyMs, throughMs: lateMs }) ?? lateMs;
}

/**
 * The latest time that the wall has shown so far: its present time or, in the second of two equal hours, the end of the
 * first. A time is first shown after an instant if it is later than this, and only then.
 */
export function latestShownMs(timeZone: string, atMs: number): number {
  const offset = offsetMs(timeZone, atMs);
  // No fold is longer than a day, and times are shown again for as long as it set the wall back.
  const before = offsetMs(timeZone, atMs - DAY_MS);
  const span = { afterMs: atMs - (before - offset), throughMs: atMs };
  const foldMs = before > offset ? offsetChange(timeZone, span) : null;
  return foldMs === null ? atMs + offset : foldMs + before - 1;
}

/** The first instant after one and up to another at which the zone's clock is set. */
export function offsetChange(timeZone: string, span: { afterMs: number; throughMs: number }): number | null {
  return zone(timeZone).firstChange(span);
}

const zone = boundedMemo(ZONES_MAX, (timeZone: string): ZoneChanges => {
  const formatter = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' });
  return zoneChanges((atMs) => writtenOffsetMs(formatter.format(atMs)));
});

/** Of a text that ends with GMT, and with a distance from it if there is one. */
function writtenOffsetMs(text: string): number {
  const [, sign, hours, minutes, seconds = '0'] = /GMT([+-])(\d+):(\d+)(?::(\d+))?/.exec(text) ?? [];
  const size = ((Number(hours ?? 0) * 60 + Number(minutes ?? 0)) * 60 + Number(seconds)) * SECOND_MS;
  return sign === '-' ? -size : size;
}
