// How long do scans begin at the marks of worn lanes after a full scan, which began at the heads? Ten times as long as
// the full scan took, so that walking over dead index entries takes no more than about a tenth of the time. While a
// full scan is cheap there is no pause, and no mark is needed.

/** A scan this quick has met hardly any dead entries. */
const CHEAP_MS = 3;
const PAUSES_PER_SCAN = 10;
/** However long a scan takes, a run that went back below a mark is found after this time. */
const PAUSE_MS_MAX = 10_000;

export function isCheapScan(tookMs: number): boolean {
  return tookMs <= CHEAP_MS;
}

export function scanPauseMs(tookMs: number): number {
  return isCheapScan(tookMs) ? 0 : Math.min(PAUSE_MS_MAX, tookMs * PAUSES_PER_SCAN);
}
