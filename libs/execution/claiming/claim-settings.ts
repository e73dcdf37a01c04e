// How far ahead, how often and how much does an owner claim?
import { HINTED_AHEAD_MS } from '#cluster/hints/hints-loop.js';
import type { ScanSettings } from './lane-scan.js';

export interface ClaimSettings extends ScanSettings {
  /** How often all slots are scanned. */
  pollMs: number;
  /**
   * Runs due this soon are claimed, too. Longer than pollMs, so that the owner holds a planned run before it is due.
   */
  aheadMs: number;
  /** Lanes served by one claim. */
  lanesPerClaim: number;
  /** Runs taken by one claim. */
  runsPerClaim: number;
}

export const DEFAULT_CLAIM_SETTINGS: ClaimSettings = {
  pollMs: 1_000,
  aheadMs: HINTED_AHEAD_MS,
  lanesPerClaim: 250,
  runsPerClaim: 1_000,
  lanesPerScan: 1_000,
  wornAfter: 1_000,
};
