// Can a worker lose its lease by what it says of itself? A heartbeat or a batch of log lines keeps the lease, with all that
// comes along with it; what can't be kept of the rest is named, and what can be is kept.
import { sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { expectProblem } from '../../../support/expect-problem.js';
import { readLines, registerWorker } from '../../../support/pull-worker.js';
import { openDatabase } from '../../../support/rows.js';
import { useTestServer } from '../../../support/test-server.js';
import { createRun, readRun, useTenant } from '../../../support/test-tenant.js';
import { until } from '../../../support/until.js';

const server = useTestServer();
const tenant = useTenant(server);

async function takeOne() {
  const worker = await registerWorker(tenant);
  const run = await createRun(tenant, { jobType: worker.jobType });
  return { worker, run, lease: await worker.take() };
}

/** Whether the lease was ever beaten for. */
async function hasBeaten(runId: string): Promise<boolean> {
  const { rows } = await sql<{ hasBeaten: boolean }>`
    select heartbeat_at is not null as "hasBeaten" from carillon.lease where run_id = ${runId}`.execute(
    openDatabase(server.databaseUrl),
  );
  if (rows[0] === undefined) throw new Error('expected the lease, got none');
  return rows[0].hasBeaten;
}

const halves = '"\\ud800"';
const UNUSABLE: readonly [what: string, body: string, pointers: string[]][] = [
  ['a fraction beyond 1', '{"progress":{"fraction":2}}', ['/progress/fraction']],
  ['a fraction that is null', '{"progress":{"fraction":null}}', ['/progress/fraction']],
  [
    'a message that is too long',
    JSON.stringify({ progress: { fraction: 1, message: 'x'.repeat(1_001) } }),
    ['/progress/message'],
  ],
  [
    'a message with NUL',
    '{"progress":{"fraction":1,"message":"\\u0000"},"details":1}',
    ['/progress/message'],
  ],
  ['half a surrogate pair', `{"details":{"a":[${halves}]}}`, ['/details/a/0']],
  ['details over 256 KiB', JSON.stringify({ details: 'x'.repeat(300_000) }), ['/details']],
  ['a body over the limit', JSON.stringify({ details: 'x'.repeat(1_100_000) }), ['']],
  [
    'fields that there are not',
    '{"percent":50,"progress":{"fraction":1,"of":2}}',
    ['/percent', '/progress/of'],
  ],
  ['no object', '[1]', ['']],
  ['no JSON', '{"details":NaN}', ['']],
  ['nesting without end', `{"details":${'['.repeat(5_000)}${']'.repeat(5_000)}}`, ['']],
];

describe('a heartbeat', () => {
  it.each(UNUSABLE)('with %s keeps the lease, and names what was dropped', async (_what, body, pointers) => {
    const { run, lease } = await takeOne();
    const answer = await tenant.api
      .post(`${tenant.path}/worker/leases/${lease.token}:heartbeat`)
      .type('json')
      .send(body);
    expect(answer.status, answer.text).toBe(200);
    const { dropped } = answer.body as { dropped: { pointer: string }[] };
    const named = dropped.map(({ pointer }) => pointer);
    expect(named.toSorted()).toEqual(
      pointers.map((at) => expect.stringMatching(`^${at}`) as string).toSorted(),
    );
    expect(await hasBeaten(run.id)).toBe(true);
  });

  it('of another media type keeps the lease', async () => {
    const { run, lease } = await takeOne();
    const beat = tenant.api.post(`${tenant.path}/worker/leases/${lease.token}:heartbeat`);
    expect((await beat.type('text/plain').send('alive')).status).toBe(200);
    expect(await hasBeaten(run.id)).toBe(true);
  });

  it.each(['gzip', 'deflate', 'br', 'x'])(
    'that can not be unpacked (%s) keeps the lease',
    async (encoding) => {
      const { run, lease } = await takeOne();
      const beat = tenant.api.post(`${tenant.path}/worker/leases/${lease.token}:heartbeat`);
      const answer = await beat.type('json').set('Content-Encoding', encoding).send('{"details":1}');
      expect(answer.status, answer.text).toBe(200);
      const { dropped } = answer.body as { dropped: { pointer: string; detail: string }[] };
      expect(dropped).toMatchObject([
        { pointer: '', detail: expect.stringMatching(/^expected .*, got /) as string },
      ]);
      expect(await hasBeaten(run.id)).toBe(true);
    },
  );

  it('keeps what is sound beside what is not', async () => {
    const { worker, run, lease } = await takeOne();
    const answer = await worker.say(lease, 'heartbeat', { progress: { fraction: 7 }, details: { page: 3 } });
    expect(answer.body).toMatchObject({ dropped: [{ pointer: '/progress/fraction' }] });
    await worker.say(lease, 'release').expect(200);
    expect((await worker.take()).run).toMatchObject({ id: run.id, details: { page: 3 } });
  });

  it('says nothing of what was dropped when nothing was', async () => {
    const { worker, lease } = await takeOne();
    const { body } = await worker.say(lease, 'heartbeat', { progress: { fraction: 1 } }).expect(200);
    expect(body).not.toHaveProperty('dropped');
  });
});

it('an unreadable body is refused everywhere else', async () => {
  const { lease } = await takeOne();
  const end = tenant.api.post(`${tenant.path}/worker/leases/${lease.token}:complete`);
  expectProblem(await end.type('json').send('{"output":NaN}'), 'malformed-json');
  expect(await readRun(tenant, lease.run.id)).toMatchObject({ state: 'running' });
});

it.each(['gzip', 'x'])(
  'log lines that can not be unpacked (%s) keep the lease, and are refused',
  async (encoding) => {
    const { run, lease } = await takeOne();
    const lines = tenant.api.post(`${tenant.path}/worker/leases/${lease.token}/logs`);
    const answer = await lines
      .type('application/x-ndjson')
      .set('Content-Encoding', encoding)
      .send('{"message":"one"}');
    expectProblem(answer, encoding === 'x' ? 'unsupported-media-type' : 'bad-request');
    expect(await hasBeaten(run.id)).toBe(true);
  },
);

describe('log lines', () => {
  const send = (token: string, lines: string) =>
    tenant.api.post(`${tenant.path}/worker/leases/${token}/logs`).type('application/x-ndjson').send(lines);

  it('of which some are bad are kept but for those, which are named', async () => {
    const { run, lease } = await takeOne();
    const lines = ['{"message":"one"}', 'two', '{"message":"\\u0000"}', '{"message":"four"}', '{"text":"5"}'];
    const answer = await send(lease.token, lines.join('\n')).expect(202);
    const { dropped, ...rest } = answer.body as { lines: number; dropped: { pointer: string }[] };
    expect(rest).toEqual({ lines: 2 });
    expect(dropped.map(({ pointer }) => pointer)).toEqual(['/2', '/3/message', '/5/message', '/5/text']);
    const kept = await until('they are written', async () => {
      const found = await readLines(tenant, run.id);
      return found.length > 1 && found;
    });
    expect(kept.map(({ message }) => message)).toEqual(['one', 'four']);
  });

  it('of which all are bad are refused, and keep the lease', async () => {
    const { run, lease } = await takeOne();
    expectProblem(await send(lease.token, 'one\ntwo'), 'validation-failed');
    expect(await hasBeaten(run.id)).toBe(true);
  });
});
