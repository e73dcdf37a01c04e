// Is a name that there is not told with the one that was meant, and with none where nothing is near?
import { expect, it } from 'vitest';
import { nearName } from './near-names.js';

const RUN = ['jobType', 'payload', 'queue', 'delaySeconds', 'runAt', 'deadline', 'unique', 'priority'];
const SCHEDULE = ['name', 'spec', 'timeZone', 'maxFires', 'jobType', 'payload'];
const SPEC = ['cron', 'everySeconds', 'rrule', 'at', 'anyOf', 'afterSuccessOf', 'delaySeconds'];
const RETRY = ['maxAttempts', 'backoff', 'minSeconds', 'maxSeconds', 'jitter'];
const WORKER = ['name', 'jobTypes', 'concurrency', 'labels'];
const JOB = ['name', 'payload', 'timeoutSeconds', 'heartbeatSeconds', 'retry', 'leaseSeconds'];

it.each([
  ['slots', WORKER, 'concurrency'],
  ['kind', RETRY, 'backoff'],
  ['minMs', RETRY, 'minSeconds'],
  ['attempts', RETRY, 'maxAttempts'],
  ['maxAtempts', RETRY, 'maxAttempts'],
  ['retries', JOB, 'retry.maxAttempts'],
  ['timeoutMs', JOB, 'timeoutSeconds'],
  ['timeout', JOB, 'timeoutSeconds'],
  ['leaseMs', JOB, 'leaseSeconds'],
  ['delayMs', RUN, 'delaySeconds'],
  ['delay', RUN, 'delaySeconds'],
  ['job_type', RUN, 'jobType'],
  ['uniqueKey', RUN, 'unique.key'],
  ['data', RUN, 'payload'],
  ['windowMs', ['key', 'windowSeconds', 'onConflict'], 'windowSeconds'],
  ['timezone', SCHEDULE, 'timeZone'],
  ['tz', SCHEDULE, 'timeZone'],
  ['cron', SCHEDULE, 'spec.cron'],
  ['everySeconds', SCHEDULE, 'spec.everySeconds'],
  ['everyMs', SPEC, 'everySeconds'],
  ['expression', SPEC, 'cron'],
  ['rrule', SCHEDULE, 'spec.rrule'],
  ['anyOf', SCHEDULE, 'spec.anyOf'],
  ['recurrence', SPEC, 'rrule'],
  ['fixedDelay', SPEC, 'delaySeconds'],
  ['dates', SPEC, 'at'],
  ['maxRuns', SCHEDULE, 'maxFires'],
  ['slots', RUN, undefined],
  ['colour', RUN, undefined],
  ['constructor', RUN, undefined],
  ['', RUN, undefined],
])('%s among %j is %s', (given, known, meant) => {
  expect(nearName(given, known)).toBe(meant);
});
