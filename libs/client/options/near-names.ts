// Which of the names that there are did a caller probably mean? One table for all that is told of by name, in a
// request's body or as an option in code: what an earlier version or another tool calls it, another unit at its end,
// another spelling, a letter that slipped. A guess is only ever a hint beside the refusal.

/** With a dot: it stands inside another field. */
const OTHERWISE: Readonly<Record<string, readonly string[]>> = {
  slots: ['concurrency'],
  kind: ['backoff'],
  attempts: ['maxAttempts'],
  retries: ['maxAttempts', 'retry.maxAttempts'],
  maxretries: ['maxAttempts', 'retry.maxAttempts'],
  retrylimit: ['maxAttempts', 'retry.maxAttempts'],
  tz: ['timeZone'],
  expression: ['cron', 'spec.cron'],
  cronexpression: ['cron', 'spec.cron'],
  schedule: ['spec'],
  cron: ['spec.cron'],
  interval: ['everySeconds', 'spec.everySeconds'],
  every: ['everySeconds', 'spec.everySeconds'],
  at: ['spec.at', 'runAt'],
  startat: ['runAt'],
  scheduledat: ['runAt'],
  expiresat: ['deadline'],
  data: ['payload'],
  args: ['payload'],
  input: ['payload'],
  type: ['jobType', 'kind'],
  job: ['jobType'],
  handler: ['jobType', 'target.handler'],
  uniquekey: ['unique.key'],
  idempotencykey: ['unique.key'],
  result: ['output'],
  limit: ['pageSize', 'max'],
  baseurl: ['url'],
  apikey: ['key'],
  token: ['key'],
};
/** Times are told in seconds, and say so. */
const TIME = /^(.+?)(?:_?(?:ms|millis|milliseconds|seconds?|secs?|s))?$/i;

/** One of the known names, with the way to it if it stands inside another one; undefined where nothing is near. */
export function nearName(given: string, known: readonly string[]): string | undefined {
  const plain = plainOf(given);
  const stem = TIME.exec(given)?.[1] ?? given;
  const named = [...(own(plain) ?? []), ...(own(plainOf(stem)) ?? [])];
  return (
    known.find((name) => plainOf(name) === plain) ??
    named.find((name) => known.includes(name.split('.', 1)[0] ?? name)) ??
    known.find((name) => plainOf(name) === `${plainOf(stem)}seconds`) ??
    known.find((name) => plain.length > 4 && isOneSlipFrom(plainOf(name), plain))
  );
}

const own = (plain: string): readonly string[] | undefined =>
  Object.hasOwn(OTHERWISE, plain) ? OTHERWISE[plain] : undefined;

function plainOf(name: string): string {
  return name.toLowerCase().replaceAll(/[_-]/g, '');
}

/** One letter more, less or other, or two that have changed places. */
function isOneSlipFrom(name: string, given: string): boolean {
  if (Math.abs(name.length - given.length) > 1) return false;
  let start = 0;
  while (start < name.length && name[start] === given[start]) start += 1;
  const [rest, got] = [name.slice(start), given.slice(start)];
  return (
    rest.slice(1) === got || rest === got.slice(1) || rest.slice(1) === got.slice(1) || isSwapped(rest, got)
  );
}

function isSwapped(rest: string, got: string): boolean {
  return rest[0] === got[1] && rest[1] === got[0] && rest.slice(2) === got.slice(2);
}
