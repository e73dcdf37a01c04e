// How many of these runs may start now? A bucket of `count` tokens is refilled evenly, one each
// perSeconds / count; within any span of t seconds at most count + t × count / perSeconds start. Kept as one
// instant, up to which tokens are spent: the generic cell rate algorithm (ITU-T I.371).
import type { RateLimit } from './lane-rules.js';

export interface TokenRequest {
  rate: RateLimit;
  /** By the clock of `now`. */
  spentUntilMs: number;
  nowMs: number;
  wanted: number;
}

export interface TokenGrant {
  granted: number;
  spentUntilMs: number;
  /** Milliseconds until the bucket has one more token. */
  waitMs: number;
}

export function takeTokens({ rate, spentUntilMs, nowMs, wanted }: TokenRequest): TokenGrant {
  const tokenMs = (rate.perSeconds * 1_000) / rate.count;
  const fromMs = Math.max(spentUntilMs, nowMs);
  // Instants are stored to the microsecond; without the tiny surplus, rounding would lose a token.
  const free = Math.max(0, Math.floor(rate.count - (fromMs - nowMs) / tokenMs + 1e-6));
  const granted = Math.min(wanted, free);
  const untilMs = fromMs + granted * tokenMs;
  return {
    granted,
    spentUntilMs: untilMs,
    waitMs: Math.max(0, untilMs - nowMs - (rate.count - 1) * tokenMs),
  };
}
