// Does a tenant learn of what was thrown in a replica what its author wrote, and nothing of the place it was thrown at?
import { lookup } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { DatabaseError } from 'pg';
import { describe, expect, it } from 'vitest';
import { FatalError } from '#client/jobs/outcomes.js';
import { describeAttemptFailure } from './attempt-failure.js';

async function thrownBy(work: () => unknown): Promise<unknown> {
  try {
    return await work();
  } catch (error) {
    return error;
  }
}
const refusedByPostgres = (severity: string, code: string, message: string): Error =>
  Object.assign(new DatabaseError(message, message.length, 'error'), { severity, code });

describe('what a tenant is told of what was thrown', () => {
  it.each([
    ['an error', new TypeError('no ink'), { name: 'TypeError', message: 'no ink' }],
    ['a fatal one', new FatalError('never'), { name: 'FatalError', message: 'never' }],
    ['no error', 7, { name: 'NonError', message: 'expected an Error to be thrown, got 7' }],
    [
      'one with a code of its own',
      Object.assign(new Error('out of paper'), { code: 'PAPER' }),
      { name: 'Error', message: 'out of paper' },
    ],
  ])('is its name and message, and never its stack: %s', (_what, thrown, told) => {
    expect(describeAttemptFailure(thrown)).toEqual(told);
  });

  it('leaves out of a message that Node made the address, the name and the path', async () => {
    const refused = await new Promise((resolve) => connect(1, '127.0.0.1').once('error', resolve));
    const unknown = await thrownBy(() => lookup('database.internal.invalid'));
    const missing = await thrownBy(() => readFile('/srv/carillon/secret.pem'));
    expect([refused, unknown, missing].map(describeAttemptFailure)).toEqual([
      { name: 'Error', message: 'connect failed with ECONNREFUSED' },
      { name: 'Error', message: expect.stringMatching(/^getaddrinfo failed with E[A-Z_]+$/) as unknown },
      { name: 'Error', message: 'open failed with ENOENT' },
    ]);
  });

  it('leaves the path out when a module is not found', async () => {
    const byImport = await thrownBy(() => import(['/srv/carillon', 'not-there.mjs'].join('/')));
    const byName = Object.assign(new Error("Cannot find module '/srv/x.js'"), { code: 'MODULE_NOT_FOUND' });
    const told = [byImport, byName].map(describeAttemptFailure);
    expect(JSON.stringify(told)).not.toContain('/srv');
    expect(told[1]?.message).toBe('a module could not be found (MODULE_NOT_FOUND)');
  });

  it('is that the database let no session in, but not whose and from where', () => {
    const message =
      'no pg_hba.conf entry for host "10.1.2.3", user "carillon", database "jobs", no encryption';
    const error = refusedByPostgres('FATAL', '28000', message);
    expect(describeAttemptFailure(error).message).toBe('the database refused or ended a session (28000)');
  });

  it('is what the database said to a statement', () => {
    const error = refusedByPostgres(
      'ERROR',
      '23505',
      'duplicate key value violates unique constraint "orders"',
    );
    expect(describeAttemptFailure(error).message).toContain('unique constraint "orders"');
  });

  it('can be told of anything, even of what throws when it is looked at', () => {
    const closed = new Proxy(new Error(), {
      get: () => {
        throw new Error('no');
      },
    });
    expect(describeAttemptFailure(closed)).toMatchObject({ name: 'UnreadableError' });
  });
});
