// How often is `@every 1h30m`? So Go's cron library and its users write an interval, with units from days to seconds.

const UNIT_SECONDS: Readonly<Record<string, number>> = { d: 86_400, h: 3_600, m: 60, s: 1 };

/** Null for a text that does not begin with `@every`; NaN where no duration in whole seconds follows it. */
export function secondsOfEvery(text: string): number | null {
  const [, duration] = /^\s*@every\b\s*(.*?)\s*$/i.exec(text) ?? [];
  if (duration === undefined) return null;
  const parts = duration.match(/\d{1,9}[dhms]/gi) ?? [];
  if (parts.length === 0 || parts.join('') !== duration) return Number.NaN;
  return parts.reduce((sum, part) => {
    const unit = UNIT_SECONDS[part.slice(-1).toLowerCase()] ?? Number.NaN;
    return sum + Number(part.slice(0, -1)) * unit;
  }, 0);
}
