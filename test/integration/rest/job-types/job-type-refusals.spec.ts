// Which job types are refused, and is the field named that is wrong?
import { describe, expect, it } from 'vitest';
import { expectFields, expectProblem } from '../../../support/expect-problem.js';
import { useTestServer } from '../../../support/test-server.js';
import { createJobType, newName, useTenant } from '../../../support/test-tenant.js';

const server = useTestServer();
const tenant = useTenant(server);

const create = (body: object) => tenant.api.post(`${tenant.path}/job-types`).send(body);
const http = (more: object = {}) => ({
  name: newName('push'),
  target: { kind: 'http', url: 'https://example.com/hook', ...more },
});

it('a job type with the field names of an earlier version is refused with the names of now', async () => {
  const old = { timeoutMs: 5, heartbeatMs: 5 };
  const create = (wish: object) =>
    tenant.api
      .post(`${tenant.path}/job-types`)
      .send({ name: newName('old'), target: { kind: 'pull' }, ...wish });
  const told = async (wish: object) => expectProblem(await create(wish), 'validation-failed').errors;
  expect(await told(old)).toEqual([
    { pointer: '/timeoutMs', detail: 'expected no such field; it is called timeoutSeconds, got 5' },
    { pointer: '/heartbeatMs', detail: 'expected no such field; it is called heartbeatSeconds, got 5' },
  ]);
  expect(await told({ retry: { kind: 'fixed', minMs: 1 } })).toEqual([
    { pointer: '/retry/kind', detail: 'expected no such field; it is called backoff, got "fixed"' },
    { pointer: '/retry/minMs', detail: 'expected no such field; it is called minSeconds, got 1' },
  ]);
});

describe('a job type is refused', () => {
  it.each([
    ['without a target', { target: undefined }, ['/target']],
    ['with a target that is text', { target: 'https://example.com' }, ['/target']],
    ['with a target of an unknown kind', { target: { kind: 'carrier-pigeon' } }, ['/target/kind']],
    ['with a queue of ours', { target: { kind: 'queue', queue: 'carillon-partitions' } }, ['/target/queue']],
    ['with a queue that can not be', { target: { kind: 'queue', queue: 'a b' } }, ['/target/queue']],
    ['with a target of no kind', { target: { url: 'https://example.com' } }, ['/target/kind']],
    ['with a handler that has no name', { target: { kind: 'handler' } }, ['/target/handler']],
    [
      'with a handler that has an impossible name',
      { target: { kind: 'handler', handler: 'A b' } },
      ['/target/handler'],
    ],
    [
      'with a URL for a handler',
      { target: { kind: 'handler', handler: 'noop', url: 'https://example.com' } },
      ['/target/url'],
    ],
    ['with a name in upper case', { name: 'Push' }, ['/name']],
    ['with a name with a colon', { name: 'push:it' }, ['/name']],
    ['with no attempts', { retry: { maxAttempts: 0 } }, ['/retry/maxAttempts']],
    ['with 101 attempts', { retry: { maxAttempts: 101 } }, ['/retry/maxAttempts']],
    ['with half an attempt', { retry: { maxAttempts: 1.5 } }, ['/retry/maxAttempts']],
    ['with an unknown back-off', { retry: { backoff: 'random' } }, ['/retry/backoff']],
    ['with a negative delay', { retry: { minSeconds: -1 } }, ['/retry/minSeconds']],
    [
      'with a delay that no timestamp can hold',
      { retry: { minSeconds: 9e15, maxSeconds: 9e15 } },
      ['/retry/minSeconds', '/retry/maxSeconds'],
    ],
    ['with more jitter than there is', { retry: { jitter: 1.1 } }, ['/retry/jitter']],
    ['with an unknown field of the retries', { retry: { forever: true } }, ['/retry/forever']],
    ['with no time', { timeoutSeconds: 0 }, ['/timeoutSeconds']],
    ['with more than a day', { timeoutSeconds: 86_400.001 }, ['/timeoutSeconds']],
    ['with a timeout that is text', { timeoutSeconds: '5' }, ['/timeoutSeconds']],
    ['with a payload schema that is none', { payloadSchema: { type: 'objekt' } }, ['/payloadSchema/type']],
    ['with an output schema that is none', { outputSchema: { minimum: 'a' } }, ['/outputSchema/minimum']],
    [
      'with a schema of another draft',
      { payloadSchema: { $schema: 'http://json-schema.org/draft-07/schema#' } },
      ['/payloadSchema'],
    ],
    [
      'with a schema that refers elsewhere',
      { payloadSchema: { $ref: 'https://example.com/x' } },
      ['/payloadSchema'],
    ],
    ['with a schema that only refers to itself', { payloadSchema: { $ref: '#' } }, ['/payloadSchema']],
    ['with a pattern that is none', { payloadSchema: { pattern: '(' } }, ['/payloadSchema']],
    [
      'with a schema that is too large',
      { payloadSchema: { enum: ['x'.repeat(65_536)] } },
      ['/payloadSchema'],
    ],
    ['with a schema that is text', { payloadSchema: 'object' }, ['/payloadSchema']],
    ['with an unknown field', { queue: 'mail' }, ['/queue']],
  ])('%s', async (_, wish, fields) => {
    expect(expectFields(await create({ ...http(), ...wish }))).toEqual(fields);
  });

  it.each([
    ['ftp://example.com/'],
    ['file:///etc/passwd'],
    ['javascript:alert(1)'],
    ['example.com'],
    ['//example.com'],
    ['http://'],
    [''],
    ['https://example.com/\0'],
    ['https://user:geheim@example.com/'],
    ['https://example.com/a\tb'],
    ['https://exam\nple.com/'],
    ['https://example.com\\@127.0.0.1/'],
    ['https://example.com/#part'],
    [`https://example.com/${'x'.repeat(2_000)}`],
    [5],
    [null],
  ])('with the URL %j', async (url) => {
    const refused = await create(http({ url }));
    expect(expectFields(refused)).toEqual(['/target/url']);
    expect(JSON.stringify(refused.body)).not.toContain('geheim');
    const { name } = await createJobType(tenant);
    const patch = tenant.api.patch(`${tenant.path}/job-types/${name}`).set('If-Match', '*');
    expect(expectFields(await patch.send({ target: http({ url }).target }))).toEqual(['/target/url']);
  });

  it.each([
    ['a name with a blank', { 'a b': 'x' }, '/a b'],
    ['a name with a colon', { 'a:b': 'x' }, '/a:b'],
    ['no name', { '': 'x' }, '/'],
    ['a line break in the value', { 'x-a': 'b\r\nevil: yes' }, '/x-a'],
    ['a NUL character in the value', { 'x-a': 'b\0c' }, '/x-a'],
    ['a value beyond Latin-1', { 'x-a': '株' }, '/x-a'],
    ['a value that is too long', { 'x-a': 'x'.repeat(2_001) }, '/x-a'],
    ['a value that is a number', { 'x-a': 5 }, '/x-a'],
    ['the id that receivers rely on', { 'Webhook-Id': 'mine' }, '/Webhook-Id'],
    ['a length of its own', { 'content-length': '5' }, '/content-length'],
    ['another host', { Host: 'intern.example' }, '/Host'],
  ])('with a header that has %s', async (_, headers, place) => {
    expect(expectFields(await create(http({ headers })))).toEqual([`/target/headers${place}`]);
  });

  it('with more headers than a request should have', async () => {
    const headers = Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`x-${index}`, 'x']));
    expect(expectFields(await create(http({ headers })))).toEqual(['/target/headers']);
  });
});
