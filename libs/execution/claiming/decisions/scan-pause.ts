// How long is nothing looked for below the marks of worn lanes, after a look that did? Ten times as long as that
// look took, so that walking over dead index entries never takes more than about a tenth of the time. While
// that costs nothing worth saving there is no pause, and no mark is needed.

/** A look that was this quick has met hardly any dead entries. */
const CHEAP_MS = 3;
const PAUSES_PER_SCAN = 10;
/** Whatever a look takes, what went back below a mark is found after this. */
const PAUSE_MS_MAX = 10_000;

export function isCheapScan(tookMs: number): boolean {
  return tookMs <= CHEAP_MS;
}

export function scanPauseMs(tookMs: number): number {
  return isCheapScan(tookMs) ? 0 : Math.min(PAUSE_MS_MAX, tookMs * PAUSES_PER_SCAN);
}
