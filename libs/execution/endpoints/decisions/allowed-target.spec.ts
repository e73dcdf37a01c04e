// Does a tenant reach the queues and handlers that an administrator has listed, and no others?
import { expect, it } from 'vitest';
import { allowedFor, refusalOf } from './allowed-target.js';

const queue = (name: string) => ({ kind: 'queue', queue: name }) as const;
const handler = (name: string) => ({ kind: 'handler', handler: name }) as const;
const tenant = { allowedQueues: ['mail'], allowedHandlers: ['resize', 'report'] };

it.each([
  [queue('mail'), null],
  [queue('mai'), /^expected a queue .* \(its allowedQueues: mail\), got mai$/],
  [queue('resize'), /got resize$/],
  [queue('*'), /got \*$/],
  [handler('report'), null],
  [handler('mail'), /^expected a handler .* \(its allowedHandlers: resize, report\), got mail$/],
])('a tenant with lists is held to them: %j', (target, refusal) => {
  const why = refusalOf(target, allowedFor(target, tenant));
  if (refusal === null) expect(why).toBeNull();
  else expect(why).toMatchObject({ field: target.kind, message: expect.stringMatching(refusal) as string });
});

it.each([queue('mail'), handler('noop')])('a tenant without lists may name none: %j', (target) => {
  const nothing = { allowedQueues: [], allowedHandlers: [] };
  expect(refusalOf(target, allowedFor(target, nothing))?.message).toContain('none so far');
});

it.each([queue('mail'), handler('noop')])('an asterisk stands for all: %j', (target) => {
  const all = { allowedQueues: ['*'], allowedHandlers: ['*'] };
  expect(refusalOf(target, allowedFor(target, all))).toBeNull();
});

it.each([
  { kind: 'http', url: 'https://example.com/', headers: {} } as const,
  { kind: 'pull', leaseSeconds: 30 } as const,
])("what is the tenant's own needs no leave: %j", (target) => {
  expect(refusalOf(target, allowedFor(target, tenant))).toBeNull();
});
