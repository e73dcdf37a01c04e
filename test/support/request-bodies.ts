// Which bodies are nearly right for a route? One for each route that takes one.
import fc from 'fast-check';
import { text, number, json, name, payload, jobType, spec, nearly, run } from './request-arbitraries.js';

const dryRun = fc.constant(true);
/** Left out of the body: with each of many fields given, one that is right is rare. */
const OMITTED = Array<undefined>(5).fill(undefined);
export const BODIES: readonly {
  method: 'post' | 'patch' | 'put';
  path: string;
  body: fc.Arbitrary<unknown>;
}[] = [
  { method: 'post', path: '/api/v1/tenants', body: nearly({ name, displayName: text }) },
  {
    method: 'put',
    path: '/api/v1/tenants/known',
    body: nearly({ displayName: text, weight: number, retentionDays: number }),
  },
  {
    method: 'put',
    path: 'job-types/known',
    body: nearly({
      target: fc.oneof(fc.constant({ kind: 'handler', handler: 'noop' }), json),
      timeoutSeconds: fc.oneof(fc.double({ min: 0.001, max: 1 }), number),
      payloadSchema: fc.oneof(fc.constant({ type: 'object' }), json),
    }),
  },
  { method: 'post', path: 'api-keys', body: nearly({ name: text }) },
  {
    method: 'post',
    path: 'job-types',
    body: nearly({
      name,
      target: fc.oneof(
        fc.constant({ kind: 'handler', handler: 'noop' }),
        nearly({ kind: fc.constant('handler'), handler: fc.oneof(jobType, name) }),
        nearly({
          kind: fc.constant('http'),
          url: fc.oneof(fc.webUrl(), text),
          headers: fc.dictionary(text, text, { maxKeys: 3 }),
        }),
      ),
      retry: fc.oneof(
        fc.constant({}),
        nearly({
          maxAttempts: fc.oneof(fc.integer({ min: 1, max: 5 }), number),
          backoff: fc.constantFrom('exponential', 'linear', 'fixed', 'never'),
          minSeconds: number,
          maxSeconds: number,
          jitter: number,
        }),
      ),
      timeoutSeconds: fc.oneof(fc.double({ min: 0.001, max: 1 }), number),
      payloadSchema: fc.oneof(fc.constant({ type: 'object' }), json),
    }),
  },
  {
    method: 'post',
    path: 'schedules',
    body: nearly({
      name,
      spec,
      timeZone: fc.constantFrom(
        'UTC',
        'Europe/Berlin',
        'utc',
        'GMT+1',
        'Etc/GMT+1',
        '+01:00',
        '',
        ...OMITTED,
      ),
      jobType,
      payload,
      jitterSeconds: fc.oneof(fc.constantFrom(0, 60, 86_400, null, ...OMITTED), json),
      calendars: fc.constantFrom({ exclude: ['none'] }, { exclude: 1 }, { include: [] }, null, ...OMITTED),
    }),
  },
  {
    method: 'put',
    path: 'calendars/known',
    body: nearly({
      dates: fc.array(fc.constantFrom('2026-12-25', '--02-29', '2026-02-30', 7), { maxLength: 2 }),
      description: fc.oneof(text, json),
    }),
  },
  {
    method: 'post',
    path: 'locks/known:acquire',
    body: nearly({
      holder: text,
      mode: fc.oneof(fc.constantFrom('exclusive', 'shared', 'permits'), text),
      permits: fc.oneof(fc.constant(1), number),
      leaseSeconds: fc.oneof(fc.integer({ min: 1, max: 60 }), number),
      keepPlace: dryRun,
      reentrant: dryRun,
    }),
  },
  {
    method: 'post',
    path: 'locks:acquire',
    body: nearly({
      holder: text,
      locks: fc.array(
        nearly({
          name,
          mode: fc.constantFrom('shared', 'exclusive', 'none'),
          permits: fc.constantFrom(1, 2),
        }),
        { minLength: 1, maxLength: 3 },
      ),
    }),
  },
  {
    method: 'post',
    path: 'schedules/known:backfill',
    body: nearly({
      from: fc.oneof(fc.constant('2026-01-01T00:00:00Z'), text),
      to: fc.oneof(fc.constant('2026-01-02T00:00:00Z'), text),
      dryRun,
      maxUnfinished: number,
      payload,
    }),
  },
  {
    method: 'post',
    path: 'schedules:pause',
    body: nearly({
      filter: nearly({ labels: fc.dictionary(text, text), q: text }),
      until: fc.oneof(fc.constant('2099-01-01T00:00:00Z'), text),
      dryRun,
    }),
  },
  {
    method: 'post',
    path: 'runs',
    body: run,
  },
  {
    method: 'post',
    path: 'runs:batchCreate',
    body: nearly({
      mode: fc.constantFrom('per-item', 'all-or-nothing'),
      runs: fc.array(fc.oneof({ weight: 5, arbitrary: run }, { weight: 1, arbitrary: json }), {
        maxLength: 5,
      }),
    }),
  },
  {
    method: 'patch',
    path: 'schedules/known',
    body: nearly({
      spec,
      timeZone: fc.constantFrom('UTC', null, 'x', undefined),
      clockChanges: fc.constantFrom({ gap: 'skip' }, { overlap: null }, { gap: 1 }, null, undefined),
      jobType,
      payload: fc.oneof(fc.constant(null), payload),
    }),
  },
];
