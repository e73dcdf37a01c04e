// When may an endpoint be called again? Retry-After says it in seconds or as a date (RFC 9110, 10.2.3).

/** No endpoint puts a run off for longer than this. */
const RETRY_AFTER_MS_MAX = 24 * 3_600_000;

/** Milliseconds from now; null when the header is missing or unreadable. */
export function retryAfterMs(header: string | undefined, now: Date): number | null {
  const text = header?.trim() ?? '';
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - now.getTime();
  // HTTP's date formats all have a letter; Date.parse reads others, too.
  if (Number.isNaN(ms) || (!/^\d+$/.test(text) && !/[a-z]/i.test(text))) return null;
  return Math.min(RETRY_AFTER_MS_MAX, Math.max(0, ms));
}
