// Are options that can't be right refused before any call, by their names?
import { expect, it } from 'vitest';
import { z } from 'zod';
import { defineJob } from '#client/jobs/job-definition.js';
import { createClient } from './client.js';

/** No replica listens there. */
const GIVEN = { url: 'http://127.0.0.1:1', tenant: 'acme', key: 'sk_acme', timeoutSeconds: 1 };
const send = defineJob({ name: 'mail.send', payload: z.object({ to: z.string() }) });

it.each<[string, object]>([
  ['expected no option keys', { keys: 'a' }],
  ['expected either url or urls, got both', { urls: ['http://127.0.0.1:2'] }],
  ['expected either url or urls, got neither', { url: undefined }],
  ['expected urls to have at least one', { url: undefined, urls: [] }],
  ['expected url to be that of a replica', { url: 'ftp://one.example.com' }],
  ['expected a url without a user', { url: 'http://user:secret@one.example.com' }],
  ['expected a url without a user, a query', { url: 'http://one.example.com?a=b' }],
  ['expected tenant to be the name of a tenant, got nothing', { tenant: undefined }],
  ['expected key to be an API key of the tenant, got nothing', { key: undefined }],
  ['expected key to have ASCII characters only', { key: 'sk_acme\r\nx: y' }],
  ['expected trustedOrigins to have origins', { trustedOrigins: ['one.example.com'] }],
  ['expected trustedOrigins to have origins', { trustedOrigins: ['https://one.example.com/carillon'] }],
  ['expected timeoutSeconds to be more than 0', { timeoutSeconds: 0 }],
])('a client: %s', (message, wrong) => {
  expect(() => createClient({ ...GIVEN, ...wrong })).toThrow(TypeError);
  expect(() => createClient({ ...GIVEN, ...wrong })).toThrow(message);
});

it('no message shows a password', () => {
  const wrong = () => createClient({ ...GIVEN, url: 'http://user:secret@one.example.com' });
  expect(wrong).not.toThrow('secret');
});

it.each<[string, object]>([
  ['expected no option tenant', { tenant: 'other' }],
  ['expected no option priorty; it is called priority', { priorty: 1 }],
  ['expected no option unique.ttl', { unique: { key: 'a', ttl: 1 } }],
  ['expected priority to be a whole number', { priority: 1.5 }],
  ['expected concurrencyKey to have 1 to', { order: 'strict' }],
  ['expected idempotencyKey to be 1 to 255 printable ASCII', { idempotencyKey: 'with space' }],
  ['expected idempotencyKey to be 1 to 255 printable ASCII', { idempotencyKey: '' }],
  ['expected traceparent to be of the form', { traceparent: '00-1' }],
  ['expected tracestate to be ASCII text', { tracestate: 'a=\n' }],
  ['expected signal to be an AbortSignal', { signal: {} }],
])('a run: %s', async (message, wrong) => {
  const enqueued = createClient(GIVEN).enqueue(send, { to: 'a' }, wrong);
  await expect(enqueued).rejects.toThrow(TypeError);
  await expect(enqueued).rejects.toThrow(message);
});

it('a payload that does not fit the schema, or is no JSON', async () => {
  const client = createClient(GIVEN);
  const any = defineJob({ name: 'any', payload: z.unknown() });
  // @ts-expect-error the type of the job says what fits
  await expect(client.enqueue(send, { to: 7 })).rejects.toThrow('/payload/to');
  await expect(client.enqueue(any, 7n)).rejects.toThrow('BigInt');
  await expect(client.enqueue({ name: 'any', payload: z.unknown() }, 7)).rejects.toThrow('defineJob');
});

it('other calls', async () => {
  const client = createClient(GIVEN);
  await expect(client.result('r', { wait: -1 })).rejects.toThrow('expected wait to be 0 to 86400 seconds');
  await expect(client.result('')).rejects.toThrow('expected the id of a run, got an empty text');
  await expect(client.cancel('r', { wait: 1 } as object)).rejects.toThrow('expected no option wait');
});
