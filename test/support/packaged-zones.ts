// Test only. What does the wall clock of a zone show by other data than the runtime's? moment-timezone brings the IANA
// database along, as a list of instants for each zone; nothing of its calendar is used.
import moment from 'moment-timezone';

const MINUTE_MS = 60_000;

export const packagedVersion: string = moment.tz.dataVersion;

interface PackagedZone {
  /** The instants up to which each offset holds; the last one is infinite. */
  untils: readonly number[];
  /** Minutes behind UTC. */
  offsets: readonly number[];
}

export function packagedZone(timeZone: string): PackagedZone | null {
  const zone = moment.tz.zone(timeZone);
  return zone === null ? null : { untils: zone.untils, offsets: zone.offsets };
}

export function packagedChanges(
  zone: PackagedZone,
  { fromMs, toMs }: { fromMs: number; toMs: number },
): number[] {
  return zone.untils.filter((untilMs, index) => {
    const isAnother = zone.offsets[index] !== zone.offsets[index + 1];
    return isAnother && untilMs >= fromMs && untilMs < toMs;
  });
}

export function packagedWallMs({ untils, offsets }: PackagedZone, atMs: number): number {
  let [low, high] = [0, untils.length - 1];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if ((untils[middle] ?? 0) > atMs) high = middle;
    else low = middle + 1;
  }
  return atMs - (offsets[low] ?? Number.NaN) * MINUTE_MS;
}
