// Does a run come in with the caller's own writes, and go with them? By the client library, over pg and over Kysely,
// typed and checked by the job's definition; and from a handler.
import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { bulkEnqueue, enqueue } from '#client/jobs/enqueue.js';
import { defineJob, type JobContext, type JobOf } from '#client/jobs/job-definition.js';
import { JobHandler } from '#client/jobs/job-handler.js';
import { InvalidPayloadError } from '#client/jobs/payload-check.js';
import { openClient } from '../../support/rows.js';
import { useTestServer } from '../../support/test-server.js';
import {
  createTenant,
  finish,
  finishedRun,
  listRuns,
  newName,
  readRun,
  secondsFromNow,
  useTenant,
} from '../../support/test-tenant.js';

const greet = defineJob({
  name: 'greet',
  payload: z.object({ name: z.string().min(1), at: z.iso.datetime().pipe(z.coerce.date()).optional() }),
});
const parent = defineJob({
  name: 'parent',
  payload: z.object({ name: z.string(), key: z.string().optional() }),
});

class Greeter {
  @JobHandler(greet)
  greet({ payload }: JobOf<typeof greet>): { said: string } {
    return { said: `hello ${payload.name}${payload.at instanceof Date ? ' in time' : ''}` };
  }

  @JobHandler(parent)
  async parent({ payload }: JobOf<typeof parent>, context: JobContext): Promise<string> {
    const { name, key } = payload;
    return context.enqueue(
      greet,
      { name },
      key === undefined ? {} : { unique: { key }, runAt: new Date(Date.now() + 60_000) },
    );
  }
}

const server = useTestServer({ handlers: [Greeter] });
const tenant = useTenant(server);

interface OwnTables {
  greeting: { name: string };
}

/** Two ways to a transaction of the caller's own: he says with what, and whether it commits. */
const transactions = {
  'a client of pg': async (act: (db: Parameters<typeof enqueue>[0]) => Promise<void>, commit: boolean) => {
    const client = await openClient(server.databaseUrl);
    await client.query('begin');
    await act(client);
    await client.query(commit ? 'commit' : 'rollback');
  },
  "a pool's client of pg": async (
    act: (db: Parameters<typeof enqueue>[0]) => Promise<void>,
    commit: boolean,
  ) => {
    const pool = new pg.Pool({ connectionString: server.databaseUrl });
    const client = await pool.connect();
    await client.query('begin');
    await act(client);
    await client.query(commit ? 'commit' : 'rollback');
    client.release();
    await pool.end();
  },
  'a transaction of Kysely': async (
    act: (db: Parameters<typeof enqueue>[0]) => Promise<void>,
    commit: boolean,
  ) => {
    const db = new Kysely<OwnTables>({
      dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString: server.databaseUrl }) }),
    });
    const done = db.transaction().execute(async (tx) => {
      await act(tx);
      if (!commit) throw new Error('rolled back');
    });
    if (commit) await done;
    else await expect(done).rejects.toThrow('rolled back');
    await db.destroy();
  },
};

describe.each(Object.entries(transactions))('enqueue() in %s', (_, transact) => {
  it('creates a run that runs once the transaction is committed', async () => {
    let id = '';
    await transact(async (db) => {
      id = await enqueue(
        db,
        greet,
        { name: 'Ada', at: '2026-11-21T08:00:00Z' },
        { tenant: tenant.name, tags: ['t'] },
      );
      expect((await tenant.api.get(`${tenant.path}/runs/${id}`)).status).toBe(404);
    }, true);
    // What is stored is what was given, which the handler's schema reads once more.
    expect(await finishedRun(tenant, { id })).toMatchObject({
      output: { said: 'hello Ada in time' },
      payload: { name: 'Ada', at: '2026-11-21T08:00:00Z' },
      tags: ['t'],
    });
  });

  it('creates none if it is rolled back', async () => {
    const mine = await createTenant(server);
    await transact(async (db) => {
      await enqueue(db, greet, { name: 'Ada' }, { tenant: mine.name, unique: { key: 'k' } });
      await bulkEnqueue(db, greet, [{ payload: { name: 'Eve' } }], { tenant: mine.name });
    }, false);
    expect(await listRuns(mine)).toEqual([]);
    const client = await openClient(server.databaseUrl);
    const id = await enqueue(client, greet, { name: 'Ada' }, { tenant: mine.name, unique: { key: 'k' } });
    expect(await finishedRun(mine, { id })).toMatchObject({ state: 'succeeded' });
  });

  it('creates many in the order given', async () => {
    const names = Array.from({ length: 300 }, (_unused, index) => `n${index}`);
    let ids: string[] = [];
    const mine = await createTenant(server);
    await transact(async (db) => {
      const runs = names.map((name, index) => ({
        payload: { name },
        priority: index % 100,
        runAt: new Date('2099-01-01'),
        unique: { key: name, windowSeconds: 60 },
      }));
      ids = await bulkEnqueue(db, greet, runs, { tenant: mine.name });
      expect(await bulkEnqueue(db, greet, runs, { tenant: mine.name })).toEqual(ids);
      expect(await bulkEnqueue(db, greet, [], { tenant: mine.name })).toEqual([]);
    }, true);
    expect(ids).toHaveLength(300);
    for (const index of [0, 1, 150, 299])
      expect(await readRun(mine, ids[index] ?? '')).toMatchObject({
        payload: { name: `n${index}` },
        priority: index % 100,
        runAt: '2099-01-01T00:00:00.000Z',
      });
  });
});

describe('enqueue()', () => {
  it('refuses a payload that does not fit before anything is written', async () => {
    const client = await openClient(server.databaseUrl);
    const mine = await createTenant(server);
    await client.query('begin');
    const refused = enqueue(client, greet, { name: '' }, { tenant: mine.name });
    await expect(refused).rejects.toThrow(InvalidPayloadError);
    await expect(refused).rejects.toThrow(/job greet.*\/payload\/name: /);
    await expect(
      bulkEnqueue(client, greet, [{ payload: { name: 'a' } }, { payload: { name: '' } }], {
        tenant: mine.name,
      }),
    ).rejects.toThrow(/\/1\/payload\/name/);
    await client.query('commit'); // the transaction is still good
    expect(await listRuns(mine)).toEqual([]);
  });

  it('is typed by the definition', () => {
    const client = new pg.Client();
    const never = (): unknown[] => [
      // @ts-expect-error a name is text
      enqueue(client, greet, { name: 5 }, { tenant: 'a' }),
      // @ts-expect-error the instant is given as text, though the handler gets a Date
      enqueue(client, greet, { name: 'a', at: new Date(0) }, { tenant: 'a' }),
      // @ts-expect-error a tenant is wanted
      enqueue(client, greet, { name: 'a' }, {}),
    ];
    expect(never).toBeTypeOf('function');
  });
});

describe('a handler', () => {
  it('can enqueue a run of its own tenant', async () => {
    const mine = await createTenant(server);
    const { output } = await finish(mine, { jobType: 'parent', payload: { name: 'Bob' } });
    expect(await finishedRun(mine, { id: z.uuid().parse(output) })).toMatchObject({
      jobType: 'greet',
      output: { said: 'hello Bob' },
    });
  });

  it('fails when what it enqueues does not fit, and can say what is the same', async () => {
    const mine = await createTenant(server);
    const failed = await tenant.api
      .post(`${tenant.path}/runs`)
      .send({ jobType: 'parent', payload: { name: '' }, deadline: secondsFromNow(60) })
      .expect(201);
    const { id } = failed.body as { id: string };
    const client = await openClient(server.databaseUrl);
    await expect
      .poll(async () => (await readRun(tenant, id)).pastAttempts[0]?.['error'], { timeout: 10_000 })
      .toMatchObject({ name: 'InvalidPayloadError' });
    await client.query('delete from carillon.run where id = $1', [id]);
    const key = newName('key');
    const one = await finish(mine, { jobType: 'parent', payload: { name: 'a', key } });
    const two = await finish(mine, { jobType: 'parent', payload: { name: 'b', key } });
    expect(two.output).toBe(one.output);
  });
});
