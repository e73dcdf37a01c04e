// Checks the options of a job where it is defined: a replica that met a wrong one later could only fail its runs. The
// rules are those of the API's job types. Definitions may come from JavaScript, so nothing is assumed from the types.
import { ATTEMPTS_MAX, HEARTBEAT_SECONDS, RETRY_SECONDS, TIMEOUT_SECONDS } from './job-bounds.js';
import { checkKeyDefaults } from './key-options-check.js';
import { checkLocks } from './lock-wishes.js';
import { expectKnownOptions } from './known-options.js';
import { checkSchedules } from './schedules-check.js';

/** The same pattern as for names in the API. */
const NAME = /^[a-z0-9]([a-z0-9._-]{0,98}[a-z0-9])?$/;
const BACKOFFS: readonly unknown[] = ['exponential', 'linear', 'fixed'];

/** `kind` comes from a definition that another one is made from: `defineJob({ ...other, name })`. */
const OPTIONS = [
  'kind',
  'name',
  'payload',
  'output',
  'timeoutSeconds',
  'heartbeatSeconds',
  'retry',
  'keyDefaults',
  'schedules',
  'locks',
];
const RETRY_OPTIONS = ['maxAttempts', 'backoff', 'minSeconds', 'maxSeconds', 'jitter'];
/** Throws TypeError. */
export function checkJobOptions(given: unknown): void {
  const options = asRecord('options', given);
  expectKnownOptions(options, OPTIONS);
  const { name, payload, output, retry } = options;
  expectThat(
    typeof name === 'string' && NAME.test(name),
    'name',
    'to be 1 to 100 lower-case letters, digits, dots, dashes or underscores, with a letter or digit at both ends',
    name,
  );
  expectThat(isSchema(payload), 'payload', 'to be a Standard Schema', payload);
  expectThat(output === undefined || isSchema(output), 'output', 'to be a Standard Schema', output);
  expectNumber('timeoutSeconds', options['timeoutSeconds'], TIMEOUT_SECONDS);
  expectNumber('heartbeatSeconds', options['heartbeatSeconds'], HEARTBEAT_SECONDS);
  if (retry !== undefined) checkRetry(asRecord('retry', retry));
  checkLocks(options['locks']);
  if (options['keyDefaults'] !== undefined) checkKeyDefaults(options['keyDefaults']);
  checkSchedules(String(name), options['schedules']);
}

function checkRetry(retry: Record<string, unknown>): void {
  expectKnownOptions(retry, RETRY_OPTIONS, { prefix: 'retry.' });
  const { maxAttempts, backoff, minSeconds, maxSeconds, jitter } = retry;
  expectNumber('retry.maxAttempts', maxAttempts, { min: 1, max: ATTEMPTS_MAX, isWhole: true });
  expectThat(
    backoff === undefined || BACKOFFS.includes(backoff),
    'retry.backoff',
    `to be one of ${BACKOFFS.join(', ')}`,
    backoff,
  );
  for (const each of ['minSeconds', 'maxSeconds']) expectNumber(`retry.${each}`, retry[each], RETRY_SECONDS);
  expectNumber('retry.jitter', jitter, { min: 0, max: 1 });
  if (minSeconds !== undefined && maxSeconds !== undefined)
    expectThat(
      Number(minSeconds) <= Number(maxSeconds),
      'retry.maxSeconds',
      `to be at least minSeconds (${show(minSeconds)})`,
      maxSeconds,
    );
}

function expectNumber(
  option: string,
  value: unknown,
  { min, max, isWhole = false }: { min: number; max: number; isWhole?: boolean },
): void {
  const fits =
    typeof value === 'number' && value >= min && value <= max && (!isWhole || Number.isInteger(value));
  const what = isWhole ? 'a whole number from' : 'from';
  expectThat(value === undefined || fits, option, `to be ${what} ${min} to ${max}`, value);
}

function expectThat(isTrue: boolean, option: string, expected: string, got: unknown): void {
  if (!isTrue) throw new TypeError(`expected ${option} ${expected}, got ${show(got)}`);
}

function asRecord(option: string, value: unknown): Record<string, unknown> {
  expectThat(typeof value === 'object' && value !== null, option, 'to be an object', value);
  return value as Record<string, unknown>; // checked above
}

function isSchema(value: unknown): boolean {
  // A schema may be a function: arktype's are.
  const isHolder = (typeof value === 'object' && value !== null) || typeof value === 'function';
  return isHolder && '~standard' in value;
}

function show(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}
