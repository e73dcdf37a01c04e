// Checks what a run says beside its keys before it is written, in a handler's enqueue() and in an application's. The rules
// are those of the API. Options may come from JavaScript, so nothing is assumed from the types.
import {
  DEBOUNCE_DELAY_SECONDS,
  DEBOUNCE_KEY_MAX,
  DEBOUNCE_MAX_DELAY_SECONDS,
} from '#kernel/keys/debounce-bounds.js';
import { isStoredKey, KEY_WAITING_MAX, OVERLAP_KEY_MAX } from '#kernel/keys/key-overlap.js';
import { expectKnownOptions } from './known-options.js';

const ORDERS: readonly unknown[] = ['any', 'strict'];
const MODES: readonly unknown[] = ['allow', 'skip', 'queue', 'replace', 'latest'];

/** Throws a TypeError that names the option, what was expected and what was got. */
export function checkKeyOptions(options: object, prefix = ''): void {
  const { concurrencyKey, overlap, order, debounce, ...others } = options as Record<string, unknown>;
  const expectThat = expecting(prefix);
  if (typeof concurrencyKey === 'string')
    expectThat(
      !isStoredKey(concurrencyKey),
      'concurrencyKey',
      'to have another form than one with an overlap mode',
      concurrencyKey,
    );
  if (order !== undefined) checkOrder({ order, overlap, concurrencyKey }, prefix);
  if (overlap !== undefined) {
    checkOverlap(overlap, prefix);
    const isKey = typeof concurrencyKey === 'string' && concurrencyKey !== '';
    expectThat(
      isKey && concurrencyKey.length <= OVERLAP_KEY_MAX,
      'concurrencyKey',
      `to have 1 to ${OVERLAP_KEY_MAX} characters beside overlap`,
      concurrencyKey,
    );
  }
  if (debounce === undefined) return;
  checkDebounce(debounce, prefix);
  for (const option of ['runAt', 'delaySeconds', 'unique'])
    expectThat(others[option] === undefined, option, 'to be left out beside debounce', others[option]);
}

/** The same of what a job says of its runs' keys. */
export function checkKeyDefaults(given: unknown): void {
  const { overlap, order } = asRecord('keyDefaults', given, '', ['overlap', 'order']);
  const expectThat = expecting('keyDefaults.');
  if (overlap !== undefined) checkOverlap(overlap, 'keyDefaults.');
  if (order === undefined) return;
  expectThat(ORDERS.includes(order), 'order', `to be one of ${ORDERS.join(', ')}`, order);
  expectThat(
    order === 'any' || overlap === undefined,
    'overlap',
    'to be left out beside order strict',
    overlap,
  );
}

function checkOrder(
  { order, overlap, concurrencyKey }: Record<'order' | 'overlap' | 'concurrencyKey', unknown>,
  prefix: string,
): void {
  const expectThat = expecting(prefix);
  expectThat(ORDERS.includes(order), 'order', `to be one of ${ORDERS.join(', ')}`, order);
  const isKey = typeof concurrencyKey === 'string' && concurrencyKey !== '';
  expectThat(
    isKey && concurrencyKey.length <= OVERLAP_KEY_MAX,
    'concurrencyKey',
    `to have 1 to ${OVERLAP_KEY_MAX} characters beside order`,
    concurrencyKey,
  );
  if (order === 'any' || overlap === undefined) return;
  const { mode, max } = asRecord('overlap', overlap, prefix, ['mode', 'max']);
  expectThat(
    mode === 'queue' && max === undefined,
    'overlap',
    'to be left out, or mode queue without max, beside order strict',
    overlap,
  );
}

function checkOverlap(given: unknown, prefix: string): void {
  const expectThat = expecting(prefix);
  const { mode, max } = asRecord('overlap', given, prefix, ['mode', 'max']);
  expectThat(MODES.includes(mode), 'overlap.mode', `to be one of ${MODES.join(', ')}`, mode);
  if (max === undefined) return;
  expectThat(mode === 'queue', 'overlap.max', 'to be left out with another mode than queue', max);
  expectThat(
    isBetween(max, 1, KEY_WAITING_MAX) && Number.isInteger(max),
    'overlap.max',
    `to be a whole number from 1 to ${KEY_WAITING_MAX}`,
    max,
  );
}

function checkDebounce(given: unknown, prefix: string): void {
  const expectThat = expecting(prefix);
  const fields = ['key', 'delaySeconds', 'maxDelaySeconds'];
  const { key, delaySeconds, maxDelaySeconds } = asRecord('debounce', given, prefix, fields);
  expectThat(
    typeof key === 'string' && isBetween(key.length, 1, DEBOUNCE_KEY_MAX),
    'debounce.key',
    `to be a text of 1 to ${DEBOUNCE_KEY_MAX} characters`,
    key,
  );
  const { min, max } = DEBOUNCE_DELAY_SECONDS;
  expectThat(
    isBetween(delaySeconds, min, max),
    'debounce.delaySeconds',
    `to be from ${min} to ${max}`,
    delaySeconds,
  );
  expectThat(
    isBetween(maxDelaySeconds, Number(delaySeconds), DEBOUNCE_MAX_DELAY_SECONDS),
    'debounce.maxDelaySeconds',
    `to be from delaySeconds (${show(delaySeconds)}) to ${DEBOUNCE_MAX_DELAY_SECONDS}`,
    maxDelaySeconds,
  );
}

function isBetween(value: unknown, min: number, max: number): boolean {
  return typeof value === 'number' && value >= min && value <= max;
}

function expecting(prefix: string) {
  return (isTrue: boolean, option: string, expected: string, got: unknown): void => {
    if (!isTrue) throw new TypeError(`expected ${prefix}${option} ${expected}, got ${show(got)}`);
  };
}

function asRecord(
  option: string,
  value: unknown,
  prefix: string,
  known: readonly string[],
): Record<string, unknown> {
  expecting(prefix)(typeof value === 'object' && value !== null, option, 'to be an object', value);
  const record = value as Record<string, unknown>; // checked above
  expectKnownOptions(record, known, { prefix: `${prefix}${option}.` });
  return record;
}

function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text: string | undefined = typeof value === 'bigint' ? `${value}n` : JSON.stringify(value);
  return text ?? typeof value; // a function has no JSON
}
