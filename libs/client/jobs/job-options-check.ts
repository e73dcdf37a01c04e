// Can a job be what its definition says? Everything that is wrong with it is said where it is defined, since a replica
// that met it later could only fail its runs. The rules are those of the API's job types. Definitions come from
// JavaScript, too, so nothing is taken for granted of what the types promise.

/** As the API's names. */
const NAME = /^[a-z0-9]([a-z0-9._-]{0,98}[a-z0-9])?$/;
/** A week; the API takes no more than a day for what it is told of a job type, and our own jobs need more. */
const SECONDS_MAX = 604_800;
const ATTEMPTS_MAX = 100;
const BACKOFFS: readonly unknown[] = ['exponential', 'linear', 'fixed'];

/** `kind` is that of a definition which another one is made from: `defineJob({ ...other, name })`. */
const OPTIONS = ['kind', 'name', 'payload', 'output', 'timeoutSeconds', 'heartbeatSeconds', 'retry'];
const RETRY_OPTIONS = ['maxAttempts', 'backoff', 'minSeconds', 'maxSeconds', 'jitter'];
/** What other tools, or an earlier version, call some of them. */
const RENAMED: Readonly<Record<string, string>> = {
  timeoutMs: 'timeoutSeconds',
  heartbeatMs: 'heartbeatSeconds',
  kind: 'backoff',
  minMs: 'minSeconds',
  maxMs: 'maxSeconds',
};

/** Throws TypeError. */
export function checkJobOptions(given: unknown): void {
  const options = asRecord('options', given);
  expectKnown('', options, OPTIONS);
  const { name, payload, output, retry } = options;
  expectThat(
    typeof name === 'string' && NAME.test(name),
    'name',
    'to be 1 to 100 lower-case letters, digits, dots, dashes or underscores, with a letter or digit at both ends',
    name,
  );
  expectThat(isSchema(payload), 'payload', 'to be a Standard Schema', payload);
  expectThat(output === undefined || isSchema(output), 'output', 'to be a Standard Schema', output);
  for (const each of ['timeoutSeconds', 'heartbeatSeconds'])
    expectNumber(each, options[each], {
      isFit: (seconds) => seconds >= 0.001,
      what: `more than 0, at most ${SECONDS_MAX}`,
    });
  if (retry !== undefined) checkRetry(asRecord('retry', retry));
}

function checkRetry(retry: Record<string, unknown>): void {
  expectKnown('retry.', retry, RETRY_OPTIONS);
  const { maxAttempts, backoff, minSeconds, maxSeconds, jitter } = retry;
  expectNumber('retry.maxAttempts', maxAttempts, {
    isFit: (count) => Number.isInteger(count) && count >= 1 && count <= ATTEMPTS_MAX,
    what: `a whole number from 1 to ${ATTEMPTS_MAX}`,
  });
  expectThat(
    backoff === undefined || BACKOFFS.includes(backoff),
    'retry.backoff',
    `to be one of ${BACKOFFS.join(', ')}`,
    backoff,
  );
  for (const each of ['minSeconds', 'maxSeconds'])
    expectNumber(`retry.${each}`, retry[each], {
      isFit: (seconds) => seconds >= 0,
      what: `from 0 to ${SECONDS_MAX}`,
    });
  expectNumber('retry.jitter', jitter, { isFit: (part) => part >= 0 && part <= 1, what: 'from 0 to 1' });
  if (minSeconds !== undefined && maxSeconds !== undefined)
    expectThat(
      Number(minSeconds) <= Number(maxSeconds),
      'retry.maxSeconds',
      `to be at least minSeconds (${show(minSeconds)})`,
      maxSeconds,
    );
}

/** A misspelt option would be dropped without a word, and its default hold. */
function expectKnown(prefix: string, given: Record<string, unknown>, known: readonly string[]): void {
  for (const option of Object.keys(given)) {
    if (known.includes(option)) continue;
    const now = Object.hasOwn(RENAMED, option) ? RENAMED[option] : undefined;
    const hint = now !== undefined && known.includes(now) ? `; it is called ${now}` : '';
    throw new TypeError(`expected no option ${prefix}${option}${hint}`);
  }
}

function expectNumber(
  option: string,
  value: unknown,
  { isFit, what }: { isFit: (value: number) => boolean; what: string },
): void {
  const fits = value === undefined || (typeof value === 'number' && isFit(value) && value <= SECONDS_MAX);
  expectThat(fits, option, `to be ${what}`, value);
}

function expectThat(isTrue: boolean, option: string, expected: string, got: unknown): void {
  if (!isTrue) throw new TypeError(`expected ${option} ${expected}, got ${show(got)}`);
}

function asRecord(option: string, value: unknown): Record<string, unknown> {
  expectThat(typeof value === 'object' && value !== null, option, 'to be an object', value);
  return value as Record<string, unknown>; // just looked at
}

function isSchema(value: unknown): boolean {
  // A schema may be a function: arktype's are.
  const isHolder = (typeof value === 'object' && value !== null) || typeof value === 'function';
  return isHolder && '~standard' in value;
}

function show(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value);
}
