// What does a client say to arguments that a compiler would refuse, and what does it show of itself?
import { inspect } from 'node:util';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { defineJob } from '#client/jobs/job-definition.js';
import { createClient } from './client.js';

const job = defineJob({ name: 'greet', payload: z.string() });
const clientWith = (more: object) =>
  createClient({ url: 'http://localhost:1', tenant: 'acme', key: 'sk_acme', ...more });

it('the key is in no dump of a client', () => {
  const client = clientWith({});
  expect(inspect(client, { depth: 9, showHidden: true })).not.toContain('sk_acme');
  expect(JSON.stringify(client)).not.toContain('sk_acme');
});

it('what is no object, no list or no function is refused by its name', async () => {
  const client = clientWith({});
  const wrong: [() => unknown, string][] = [
    [() => createClient(undefined as never), 'expected options to be an object, got undefined'],
    [() => clientWith({ timeoutSeconds: '5' }), 'expected timeoutSeconds to be more than 0'],
    [() => client.result('r', 1 as never), 'expected options to be an object, got number'],
    [() => client.result('r', { wait: '3' as never }), 'expected wait to be 0 to 86400 seconds, got "3"'],
    [() => client.enqueue(job, 'a', null as never), 'expected options to be an object, got null'],
    [() => client.enqueue(job, 'a', { unique: 'k' as never }), 'expected unique to be an object, got string'],
    [
      () => client.enqueue(job, 'a', { tags: 'a' as never }),
      'expected tags to be a list of texts, got string',
    ],
    [
      () => client.schedules.create(job, undefined as never),
      'expected schedules[0] of job greet to be an object',
    ],
    [
      () => client.schedules.backfill('n', undefined as never),
      'expected options to be an object, got undefined',
    ],
    [
      () => client.schedules.pauseAll({}, undefined as never),
      'expected options to be an object, got undefined',
    ],
    [
      () => client.locks.withLock('l', undefined as never),
      'expected what is done under the lock to be a function',
    ],
  ];
  for (const [act, message] of wrong)
    await expect((async () => act())(), message).rejects.toThrow(new RegExp(`^${escaped(message)}`));
});

function escaped(text: string): string {
  return text.replaceAll(/[[\]]/g, String.raw`\$&`);
}
