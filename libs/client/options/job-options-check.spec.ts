// Is a job that could not work refused where it is defined, with the option, what was expected and what was got?
import { expect, it } from 'vitest';
import { z } from 'zod';
import { defineJob } from '#client/jobs/job-definition.js';

const sound = { name: 'a.b_c-1', payload: z.unknown() };

it.each<[object, string]>([
  [{ name: 'Invoice' }, 'expected name to be 1 to 100 lower-case letters'],
  [{ name: '-a' }, 'expected name to be 1 to 100 lower-case letters'],
  [{ name: 'a'.repeat(101) }, 'expected name to be 1 to 100 lower-case letters'],
  [{ name: undefined }, 'got undefined'],
  [{ payload: {} }, 'expected payload to be a Standard Schema, got [object Object]'],
  [{ output: 'text' }, 'expected output to be a Standard Schema, got "text"'],
  [{ timeoutMs: 5_000 }, 'expected no option timeoutMs; it is called timeoutSeconds'],
  [{ leaseSeconds: 5 }, 'expected no option leaseSeconds; there are kind, name, payload'],
  [{ constructor: 1 }, 'expected no option constructor'],
  [{ retry: { kind: 'fixed' } }, 'expected no option retry.kind; it is called backoff'],
  [{ retry: { attempts: 3 } }, 'expected no option retry.attempts; it is called maxAttempts'],
  [{ timeoutSeconds: 0 }, 'expected timeoutSeconds to be from 0.001 to 86400, got 0'],
  [{ timeoutSeconds: Number.NaN }, 'expected timeoutSeconds to be from 0.001 to 86400, got NaN'],
  [{ timeoutSeconds: 86_401 }, 'got 86401'],
  [{ heartbeatSeconds: '5' }, 'expected heartbeatSeconds to be from 0.1 to 86400, got "5"'],
  [{ retry: 3 }, 'expected retry to be an object, got 3'],
  [{ retry: { maxAttempts: 0 } }, 'expected retry.maxAttempts to be a whole number from 1 to 100, got 0'],
  [{ retry: { maxAttempts: 1.5 } }, 'got 1.5'],
  [{ retry: { maxAttempts: 101 } }, 'got 101'],
  [
    { retry: { backoff: 'none' } },
    'expected retry.backoff to be one of exponential, linear, fixed, got "none"',
  ],
  [{ retry: { minSeconds: -1 } }, 'expected retry.minSeconds to be from 0 to 2592000, got -1'],
  [
    { retry: { minSeconds: 9, maxSeconds: 3 } },
    'expected retry.maxSeconds to be at least minSeconds (9), got 3',
  ],
  [{ retry: { jitter: 2 } }, 'expected retry.jitter to be from 0 to 1, got 2'],
])('%j is refused', (wish, message) => {
  expect(() => defineJob({ ...sound, ...wish })).toThrow(message);
  expect(() => defineJob({ ...sound, ...wish })).toThrow(TypeError);
});

it.each<object>([
  {},
  { name: '7' },
  { timeoutSeconds: 0.05, heartbeatSeconds: 86_400 },
  { retry: {} },
  { retry: { maxAttempts: 100, backoff: 'fixed', minSeconds: 0, maxSeconds: 0, jitter: 0 } },
])('%j is taken', (wish) => {
  expect(defineJob({ ...sound, ...wish })).toMatchObject({ kind: 'job-definition', ...wish });
});
