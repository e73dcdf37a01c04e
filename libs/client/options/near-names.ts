// Guesses the known name that a caller probably meant. One table serves the fields of a request's body and the
// options in code: names of an earlier version or of another tool, another unit at the end, another spelling, a slip
// of one letter. A guess is only a hint beside the refusal.

import { isOneSlipFrom } from '#kernel/one-slip.js';

/** A name with a dot stands inside another field. */
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
  fixeddelay: ['spec.delaySeconds', 'delaySeconds'],
  after: ['spec.afterSuccessOf', 'afterSuccessOf'],
  recurrence: ['rrule', 'spec.rrule'],
  rrule: ['spec.rrule'],
  anyof: ['spec.anyOf'],
  dates: ['at', 'spec.at'],
  maxruns: ['maxFires'],
  repeat: ['maxFires'],
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
/** All times are in seconds, and their names end in Seconds. */
const TIME = /^(.+?)(?:_?(?:ms|millis|milliseconds|seconds?|secs?|s))?$/i;

/** The nearest known name, with its path if it stands inside another field; undefined where none is near. */
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
