// Can one read what a run says, while it runs and afterwards, from any replica, and does nothing that a handler logs
// harm it or other runs?
import { Injectable } from '@nestjs/common';
import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { defineJob, type JobContext, type JobOf } from '#client/jobs/job-definition.js';
import { JobHandler } from '#client/jobs/job-handler.js';
import { logPage } from '#server/http/logs/run-log.shapes.js';
import { openStream } from '../../../support/event-stream.js';
import { expectFields, expectProblem } from '../../../support/expect-problem.js';
import { startTestServer, useTestServer } from '../../../support/test-server.js';
import {
  createJobType,
  createRun,
  createTenant,
  finishedRun,
  useTenant,
} from '../../../support/test-tenant.js';
import { until } from '../../../support/until.js';

type Page = z.output<typeof logPage>;

const cyclic: Record<string, unknown> = {};
cyclic['self'] = cyclic;

const ODD: Readonly<Record<string, (log: JobContext['log']) => void>> = {
  text: (log) => log.info('just text'),
  levels: (log) => (['debug', 'info', 'warn', 'error'] as const).forEach((level) => log[level](level)),
  fields: (log) => log.info({ to: 'a@b.c', n: 3n }, 'sending'),
  error: (log) => log.error(new RangeError('no ink')),
  'error-field': (log) => log.error({ err: new RangeError('no ink') }, 'printing failed'),
  nul: (log) => log.info({ 'a\0b': 'c\0d\ud800' }, 'e\0f'),
  cycle: (log) => log.info(cyclic, 'round'),
  deep: (log) => log.info(JSON.parse(`${'['.repeat(4_000)}${']'.repeat(4_000)}`) as object, 'deep'),
  long: (log) => log.info('ü'.repeat(100_000)),
  wide: (log) => log.info({ wide: 'x'.repeat(100_000) }, 'wide'),
  nothing: (log) => (log.info as (...odd: unknown[]) => void)(),
  symbol: (log) => (log.info as (...odd: unknown[]) => void)(Symbol('s')),
  many: (log) => {
    for (let n = 0; n < 5_000; n += 1) log.info({ n }, 'again');
  },
  much: (log) => {
    for (let n = 0; n < 1_000; n += 1) log.info(`${n} ${'x'.repeat(8_000)}`);
  },
};

const chatty = defineJob({
  name: 'chatty',
  payload: z.object({ says: z.array(z.string()).default([]), failures: z.int().default(0) }),
});
const slow = defineJob({ name: 'slow', payload: z.object({ lines: z.int() }) });

/** Lets a run that waits go on to its next line. */
const go = { on: (): void => undefined };

@Injectable()
class TalkingJobs {
  @JobHandler(chatty)
  chatty({ payload }: JobOf<typeof chatty>, { log, attempt }: JobContext): void {
    for (const what of payload.says) ODD[what]?.(log);
    log.info(`attempt ${attempt}`);
    if (attempt <= payload.failures) throw new Error('once more');
  }

  @JobHandler(slow)
  async slow({ payload }: JobOf<typeof slow>, { log }: JobContext): Promise<void> {
    for (let line = 1; line <= payload.lines; line += 1) {
      log.info({ line }, `line ${line}`);
      await new Promise<void>((resolve) => {
        go.on = resolve;
      });
    }
  }
}

const server = useTestServer({ handlers: [TalkingJobs] });
const second = useTestServer({ beside: server, env: { CARILLON_ROLES: 'api' } });
const tenant = useTenant(server);

beforeAll(async () => {
  const retry = { maxAttempts: 4, backoff: 'fixed', minSeconds: 0, maxSeconds: 0, jitter: 0 };
  await createJobType(tenant, { name: 'again', target: { kind: 'handler', handler: 'chatty' }, retry });
});

const logsOf = (id: string): string => `${tenant.path}/runs/${id}/logs`;
const auth = (): Record<string, string> => ({ authorization: `Bearer ${tenant.key}` });

async function readPage(id: string, query = '?limit=1000'): Promise<Page> {
  return logPage.parse((await tenant.api.get(`${logsOf(id)}${query}`).expect(200)).body);
}

async function allLines(id: string): Promise<Page['items']> {
  const items: Page['items'] = [];
  for (let after = 0; ; after = items.at(-1)?.seq ?? after) {
    const page = await until('the page is whole', async () => {
      const found = await readPage(id, `?limit=1000&after=${after}`);
      return (found.ended || found.items.length === 1_000) && found;
    });
    items.push(...page.items);
    if (page.ended) return items;
  }
}

async function said(says: string[], wish: object = {}): Promise<Page['items']> {
  const run = await createRun(tenant, { jobType: 'chatty', payload: { says }, ...wish });
  expect(await finishedRun(tenant, run)).toMatchObject({ state: 'succeeded' });
  return allLines(run.id);
}

describe('what a handler logs', () => {
  it('can be read in order, with level, message, fields, attempt and replica', async () => {
    const lines = await said(['text', 'levels', 'fields']);
    expect(lines.map(({ level, message, fields }) => [level, message, fields])).toEqual([
      ['info', 'just text', null],
      ['debug', 'debug', null],
      ['info', 'info', null],
      ['warn', 'warn', null],
      ['error', 'error', null],
      ['info', 'sending', { to: 'a@b.c', n: '3' }],
      ['info', 'attempt 1', null],
    ]);
    expect(lines.map(({ seq }) => seq)).toEqual(lines.map(({ seq }) => seq).toSorted((a, b) => a - b));
    for (const line of lines)
      expect(line).toMatchObject({ attempt: 1, replica: expect.any(Number) as number });
  });

  it('of an error has its name and message', async () => {
    const err = { name: 'RangeError', message: 'no ink' };
    expect(await said(['error', 'error-field'])).toMatchObject([
      { message: 'no ink', fields: { err } },
      { message: 'printing failed', fields: { err } },
      {},
    ]);
  });

  it('is kept as far as it can be, whatever it is, and keeps no other line away', async () => {
    const lines = await said(['nul', 'cycle', 'deep', 'nothing', 'symbol', 'text']);
    expect(lines.map(({ message }) => message)).toEqual([
      'e\ufffdf',
      'round',
      expect.stringMatching(/^deep/),
      'undefined',
      'Symbol(s)',
      'just text',
      'attempt 1',
    ]);
    expect(lines[0]?.fields).toEqual({ 'a\ufffdb': 'c\ufffdd\ufffd' });
    expect(lines[1]?.fields).toMatchObject({ unfit: expect.stringMatching(/circular/i) as string });
  });

  it('is cut to 8 KiB a line, at a whole character, and says so', async () => {
    const [long, wide] = await said(['long', 'wide']);
    expect(long?.message).toMatch(/^ü{4000,4096}$/);
    expect(long?.fields).toEqual({ cut: 'expected at most 8192 bytes in a line, got 200000' });
    expect(wide).toMatchObject({ message: 'wide', fields: { cut: expect.any(String) as string } });
  });

  it('is cut to 1,000 lines a run, and one line says so', async () => {
    const lines = await said(['many', 'text']);
    expect(lines.length).toBe(1_001);
    expect(lines[999]).toMatchObject({ message: 'again', fields: { n: 999 } });
    expect(lines[1_000]).toMatchObject({
      level: 'warn',
      message: expect.stringMatching(/log of this run is full/) as string,
    });
  });

  it('is cut to 1 MiB a run', async () => {
    const lines = await said(['much']);
    const bytes = lines.reduce((sum, { message }) => sum + message.length, 0);
    expect(bytes).toBeGreaterThan(1_000_000);
    expect(bytes).toBeLessThan(1_049_000);
    expect(lines.at(-1)?.message).toMatch(/log of this run is full/);
  });

  it('in later attempts counts, too', async () => {
    const lines = await said(['many'], { jobType: 'again', payload: { says: ['many'], failures: 2 } });
    expect(lines.length).toBe(1_001);
    const attempts = await said([], { jobType: 'again', payload: { failures: 2 } });
    expect(attempts.map(({ attempt, message }) => [attempt, message])).toEqual([
      [1, 'attempt 1'],
      [2, 'attempt 2'],
      [3, 'attempt 3'],
    ]);
  });
});

describe('reading a log', () => {
  it('goes on after a number, page by page', async () => {
    const lines = await said(['levels']);
    const { id } = await createRun(tenant, { jobType: 'chatty', payload: { says: ['levels'] } });
    await finishedRun(tenant, { id });
    await allLines(id);
    const first = await readPage(id, '?limit=2');
    expect(first).toMatchObject({ items: [{ message: 'debug' }, { message: 'info' }], ended: false });
    const rest = await readPage(id, `?after=${first.nextAfter}`);
    expect(rest.items.map(({ message }) => message)).toEqual(['warn', 'error', 'attempt 1']);
    expect(rest.ended).toBe(true);
    expect((await readPage(id, `?after=${rest.nextAfter}`)).items).toEqual([]);
    expect(lines.length).toBe(5);
  });

  it.each(['?after=-1', '?after=x', '?limit=0', '?limit=1001', '?from=1'])(
    'by %s is refused',
    async (query) => {
      const { id } = await createRun(tenant);
      expect(expectFields(await tenant.api.get(`${logsOf(id)}${query}`))).toEqual([query.split('=')[0]]);
    },
  );

  it('of another tenant is like reading one that does not exist (I10)', async () => {
    const { id } = await createRun(tenant, { jobType: 'chatty' });
    const other = await createTenant(server);
    expectProblem(await other.api.get(`${other.path}/runs/${id}/logs`), 'not-found');
    expectProblem(
      await other.api.get(`${other.path}/runs/${id}/logs`).set('accept', 'text/event-stream'),
      'not-found',
    );
  });
});

describe('following a log', () => {
  const lineEvents = (events: readonly { event: string; data: unknown }[]): string[] =>
    events.filter(({ event }) => event === 'log').map(({ data }) => (data as { message: string }).message);

  it('brings lines as they are written, through any replica, and ends after the last', async () => {
    const { id } = await createRun(tenant, { jobType: 'slow', payload: { lines: 3 } });
    const streams = await Promise.all(
      [server, second, second].map(({ url }) => openStream(`${url}${logsOf(id)}`, auth())),
    );
    for (const line of [1, 2, 3]) {
      const wanted = Array.from({ length: line }, (_, index) => `line ${index + 1}`);
      await until(`line ${line} is everywhere`, () =>
        streams.every(({ events }) => lineEvents(events).length === line),
      );
      for (const { events } of streams) expect(lineEvents(events)).toEqual(wanted);
      go.on();
    }
    await Promise.all(streams.map(({ ended }) => ended));
    for (const { events } of streams) {
      expect(events.map(({ event }) => event)).toEqual(['log', 'log', 'log', 'end']);
    }
  });

  it('goes on after Last-Event-ID', async () => {
    const { id } = await createRun(tenant, { jobType: 'chatty', payload: { says: ['levels'] } });
    await finishedRun(tenant, { id });
    const lines = await allLines(id);
    const stream = await openStream(`${second.url}${logsOf(id)}`, {
      ...auth(),
      'last-event-id': String(lines[1]?.seq),
    });
    await stream.ended;
    expect(lineEvents(stream.events)).toEqual(['warn', 'error', 'attempt 1']);
    expect(stream.events.at(-1)?.event).toBe('end');
  });

  it('brings a full log whole', async () => {
    const { id } = await createRun(tenant, { jobType: 'chatty', payload: { says: ['many'] } });
    const stream = await openStream(`${server.url}${logsOf(id)}`, auth());
    await stream.ended;
    expect(lineEvents(stream.events).length).toBe(1_001);
    expect(new Set(stream.events.map(({ id }) => id)).size).toBe(1_002);
  });

  it('is bounded in number; who hangs up makes room', async () => {
    const few = await startTestServer({
      databaseUrl: server.databaseUrl,
      env: { CARILLON_ROLES: 'api', CARILLON_LOG_FOLLOWERS: '1' },
    });
    const { id } = await createRun(tenant, { jobType: 'sleep', payload: { ms: 3_600_000 } });
    const follow = () => openStream(`${few.url}${logsOf(id)}`, auth());
    const first = await follow();
    expect(first.status).toBe(200);
    const api = few.as(tenant.key);
    expectProblem(await api.get(logsOf(id)).set('accept', 'text/event-stream'), 'too-many-followers');
    await api.get(logsOf(id)).expect(200);
    first.hangUp();
    const next = await until('there is room again', async () => {
      const stream = await follow();
      return stream.status === 200 && stream;
    });
    // A replica that leaves ends its streams, without an event that would say that the run has ended.
    await few.stop();
    await next.ended;
    expect(next.events).toEqual([]);
  });
});
